// Buttons that copy the text of another element. They are shown only if the browser can copy.

import { all, around } from "./dom.js";

/** @param {ParentNode} root */
function offer(root) {
  for (const button of all(root, "[data-copy]", HTMLButtonElement)) button.hidden = !navigator.clipboard;
}

document.addEventListener("click", async (event) => {
  const button = around(event, "[data-copy]", HTMLButtonElement);
  if (!button) return;
  const source = document.getElementById(button.dataset.copy ?? "");
  await navigator.clipboard.writeText(source?.textContent?.trim() ?? "");
  button.textContent = button.dataset.done ?? "";
});
document.addEventListener("htmx:load", (event) => offer(event.detail.elt));
offer(document);
