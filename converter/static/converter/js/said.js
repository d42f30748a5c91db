// Says something to screen readers, in a place that is not replaced when the page updates itself.

import { maybe } from "./dom.js";

const KEPT = 5_000; // milliseconds: read by then, it would only repeat what the page shows

/** @type {number | undefined} */
let end;

/** @param {string} text */
export function say(text) {
  const said = maybe(document, "[data-said]", HTMLElement);
  if (!said || said.textContent === text) return;
  said.textContent = text;
  clearTimeout(end);
  end = setTimeout(() => { said.textContent = ""; }, KEPT);
}
