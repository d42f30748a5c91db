// Buttons that show and hide what is typed in a password field.

import { all, around, one } from "./dom.js";

const buttons = all(document, "[data-show-password]", HTMLButtonElement);

/** @param {HTMLButtonElement} button */
const fieldOf = (button) => one(document, `#${button.getAttribute("aria-controls")}`, HTMLInputElement);

/** @param {HTMLButtonElement} button */
function toggle(button) {
  const field = fieldOf(button);
  field.type = field.type === "password" ? "text" : "password";
  const { textContent } = button;
  const label = button.getAttribute("aria-label");
  button.setAttribute("aria-label", button.dataset.otherLabel ?? "");
  button.textContent = button.dataset.other ?? "";
  Object.assign(button.dataset, { other: textContent, otherLabel: label });
}

for (const button of buttons) button.hidden = false;
document.addEventListener("click", (event) => {
  const button = around(event, "[data-show-password]", HTMLButtonElement);
  if (button) toggle(button);
});
// Browsers offer to save what is in a password field, and remember what is in a text field.
document.addEventListener("submit", () => {
  for (const button of buttons) if (fieldOf(button).type === "text") toggle(button);
});
