// Uploads the logo of an output as soon as it is chosen. The output stores its id.

import { one } from "./dom.js";
import { keepWatermark } from "./server.js";

/** @type {Map<HTMLInputElement, Promise<void>>} */
const sending = new Map();

/** @param {HTMLInputElement} input */
export function takeLogo(input) {
  const field = /** @type {HTMLElement} */ (input.closest(".field"));
  const card = /** @type {HTMLElement} */ (input.closest("[data-output]"));
  const id = one(card, "[name$='-watermark.image']", HTMLInputElement);
  const file = input.files?.[0];
  id.value = "";
  const done = (async () => {
    const { upload = "", problem = "" } = file ? await keepWatermark(file) : {};
    if (input.files?.[0] !== file) return; // another file was chosen meanwhile
    id.value = upload;
    one(field, ".error", HTMLElement).textContent = problem;
  })();
  sending.set(input, done);
  return done;
}

/** Settles when all logos are uploaded. */
export const logosTaken = () => Promise.all(sending.values());
