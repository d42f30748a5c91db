// Keeps the text field and the picker of a colour in sync. "transparent" can only be typed.

import { around, one } from "./dom.js";

/** @param {HTMLElement} root */
export function watchColors(root) {
  root.addEventListener("input", (event) => {
    const place = around(event, ".color", HTMLElement);
    if (!place) return;
    const [text, picker] = ["text", "color"].map((type) => one(place, `[type=${type}]`, HTMLInputElement));
    if (event.target === picker) text.value = picker.value;
    else if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value;
  });
}
