// Keyboard shortcuts of a job's page: arrow keys go to its neighbours, D downloads.

import { around, maybe } from "./dom.js";

/** @type {Record<string, string>} */
const KEYS = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]", d: "[data-result]" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !(event.key in KEYS)) return;
  if (around(event, "input, select, textarea, [tabindex='0']", HTMLElement)) return;
  maybe(document, KEYS[event.key], HTMLElement)?.click();
});
