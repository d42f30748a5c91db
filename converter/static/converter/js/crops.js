// The crop of each image: its own, or the one for all images.

import { carried, whole } from "./crop_box.js";
import { PerImage } from "./per_image.js";

/**
 * @typedef {import("./crop_box.js").Box} Box
 * @typedef {import("./crop_box.js").Pattern} Pattern
 * @typedef {{ pixels: import("./crop_box.js").Size | null }} Sized
 */

/** @type {PerImage<Pattern>} */
export const crops = new PerImage();

/**
 * The crop in pixels of the upright image; nothing if the whole image is kept.
 * @param {Sized} image
 * @returns {Box | null}
 */
export function cropOf(image) {
  const pattern = crops.of(image);
  if (!pattern || !image.pixels) return null;
  const box = whole(carried(pattern, image.pixels), image.pixels);
  return box.width === image.pixels.width && box.height === image.pixels.height ? null : box;
}

/**
 * Whether an image has a crop although its size is unknown.
 * @param {Sized} image
 */
export const isLost = (image) => Boolean(crops.of(image)) && !image.pixels;
