// Tells screen readers how far the work is. They do not notice changes in what each poll replaces as a whole.

import { maybe } from "./dom.js";
import { say } from "./said.js";

const OFTEN = 10_000; // milliseconds; the end is told at once

let told = "";
let last = performance.now();

document.addEventListener("htmx:afterSettle", () => {
  const now = maybe(document, "[data-tell]", HTMLElement);
  const text = now?.dataset.tell || now?.textContent?.trim() || "";
  const isOver = !document.querySelector("main > [hx-get]");
  if (!text || text === told || (!isOver && performance.now() - last < OFTEN)) return;
  last = performance.now();
  told = text;
  say(text);
});
