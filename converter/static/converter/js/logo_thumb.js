// The thumbnail of an output's logo, and the button that removes the logo.

import { around, one } from "./dom.js";

/**
 * Show the chosen file, or nothing.
 * @param {ParentNode} card
 * @param {File | undefined} file
 */
export function showLogo(card, file) {
  const place = one(card, "[data-logo]", HTMLElement);
  const image = one(place, "img", HTMLImageElement);
  URL.revokeObjectURL(image.src);
  if (file) image.src = URL.createObjectURL(file);
  else image.removeAttribute("src");
  place.hidden = !file;
}

/** @param {HTMLElement} root */
export function watchLogos(root) {
  root.addEventListener("change", (event) => {
    const input = around(event, "[type=file][name$='-watermark_file']", HTMLInputElement);
    const card = around(event, "[data-output]", HTMLElement);
    if (input && card) showLogo(card, input.files?.[0]);
  }, { capture: true });
  root.addEventListener("click", (event) => {
    const card = around(event, "[data-logo-remove]", HTMLElement) && around(event, "[data-output]", HTMLElement);
    if (!card) return;
    const input = one(card, "[type=file][name$='-watermark_file']", HTMLInputElement);
    input.value = "";
    one(card, "[name$='-watermark.image']", HTMLInputElement).value = "";
    input.focus();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
