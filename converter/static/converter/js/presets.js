// Named sizes: choosing one fills the fields of its output.

import { around, maybe } from "./dom.js";

/** @typedef {string | number | boolean | null} Value */

/** @param {HTMLElement} root */
export function watchPresets(root) {
  // Capture the event so that other listeners find the fields already filled.
  root.addEventListener("change", (event) => {
    const card = around(event, "[data-output]", HTMLElement);
    const select = card && maybe(card, "[data-preset]", HTMLSelectElement);
    if (!select) return;
    const values = JSON.parse(select.value || "{}");
    if (event.target === select) for (const [path, value] of Object.entries(values)) fill(card, path, value);
    else if (Object.keys(values).some((path) => around(event, `[name$='-${path}']`, HTMLElement))) select.value = "";
  }, { capture: true });
}

/**
 * @param {ParentNode} card
 * @param {string} path
 * @param {Value} value
 */
function fill(card, path, value) {
  const field = maybe(card, `[name$='-${path}']`, HTMLElement);
  if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = Boolean(value);
  else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = String(value ?? "");
}
