// Which part of each picture is kept: its own crop, or the one that is the same for all.

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
 * The part to keep, in pixels of the upright picture; nothing where that is all of it.
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
 * Whether a picture is to be cropped of which nobody knows how large it is.
 * @param {Sized} image
 */
export const isLost = (image) => Boolean(crops.of(image)) && !image.pixels;
