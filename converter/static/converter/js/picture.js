// Whether the browser can show an image, and at what size.

import { SIDE } from "./sample.js";

/**
 * Load the image and return whether the browser can show it.
 * @param {HTMLImageElement} image
 * @param {string} address
 */
export function decoded(image, address) {
  image.src = address;
  return image.decode().then(() => true, () => false);
}

/**
 * Return the size at which the whole image will be shown; a thumbnail is scaled to it.
 * @param {import("./files.js").Image} image
 * @param {HTMLImageElement} shown
 * @returns {[number, number]}
 */
export function sizeOfWhole(image, { naturalWidth: width, naturalHeight: height }) {
  const longest = Math.max(image.pixels?.width ?? 0, image.pixels?.height ?? 0);
  const times = "file" in image ? 1 : Math.max(1, Math.min(SIDE, longest) / Math.max(width, height));
  return [Math.round(width * times), Math.round(height * times)];
}

/**
 * Measure an image that the browser cannot show by its converted result.
 * @param {import("./files.js").Image} image
 * @param {string} address
 * @param {Record<string, any> | undefined} report
 */
export async function measure(image, address, report) {
  const copy = new Image();
  if (!(await decoded(copy, address))) return;
  const [width, height] = report?.resized?.from ?? [copy.naturalWidth, copy.naturalHeight];
  image.measure({ width, height });
}
