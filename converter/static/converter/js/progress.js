// Tells screen readers how far the work is. They do not notice changes in what each poll replaces as a whole.

import { maybe, one } from "./dom.js";

const OFTEN = 10_000; // milliseconds; the end is told at once

const said = one(document, "[data-said]", HTMLElement);
let last = performance.now();

document.addEventListener("htmx:afterSettle", () => {
  const now = maybe(document, "[data-tell]", HTMLElement);
  const text = now?.dataset.tell || now?.textContent?.trim() || "";
  const isOver = !document.querySelector("main > [hx-get]");
  if (!text || text === said.textContent || (!isOver && performance.now() - last < OFTEN)) return;
  last = performance.now();
  said.textContent = text;
});
