// The number fields beside the cropper.

import { all } from "./dom.js";
import { find } from "./page.js";

const tools = find("crop-tools", HTMLElement);
const numbers = all(tools, "[data-crop-number]", HTMLInputElement);

/** @param {import("./crop_box.js").Box} box */
export function showNumbers(box) {
  for (const input of numbers) input.value = String(Reflect.get(box, input.dataset.cropNumber ?? ""));
}

/** @param {(name: string, value: number) => void} changed is called with "x", "y", "width" or "height" */
export function watchNumbers(changed) {
  for (const input of numbers) {
    input.addEventListener("change", () => changed(input.dataset.cropNumber ?? "", Number(input.value) || 0));
  }
  tools.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault(); // Enter would submit the form
    event.target.dispatchEvent(new Event("change"));
  });
}
