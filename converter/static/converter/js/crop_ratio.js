// The aspect ratio that is chosen beside the cropper.

import { one } from "./dom.js";
import { outputSize } from "./outputs.js";
import { find } from "./page.js";
import { say, texts } from "./words.js";

export const ratio = one(find("crop-tools", HTMLElement), "[data-crop-ratio]", HTMLSelectElement);

/** The chosen ratio of width to height; nothing if it is free. */
export function wantedRatio() {
  const size = outputSize();
  if (ratio.value === "output") return size ? size.width / size.height : null;
  const [width, height] = ratio.value.split(":").map(Number);
  return height ? width / height : null;
}

/**
 * Offer the ratio of the output, if it has one.
 * @param {boolean} isNew whether nothing is cropped yet: then select the ratio too
 */
export function offerRatio(isNew) {
  const size = outputSize();
  const output = one(ratio, "[value=output]", HTMLOptionElement);
  output.hidden = output.disabled = !size;
  if (size) output.textContent = say(texts.ratioOfOutput, { width: size.width, height: size.height });
  if (isNew) ratio.value = size ? "output" : "";
}
