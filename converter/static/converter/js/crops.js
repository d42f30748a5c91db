// Which part of each picture is kept: its own crop, or the one that is the same for all.

import { carried, whole } from "./crop_box.js";

/**
 * @typedef {import("./crop_box.js").Box} Box
 * @typedef {import("./crop_box.js").Pattern} Pattern
 * @typedef {{ pixels: import("./crop_box.js").Size | null }} Sized
 */

/** @type {Map<object, Pattern>} */
const own = new Map();
/** @type {Pattern | null} */
let shared = null;

/** @param {object} image */
const patternOf = (image) => own.get(image) ?? shared;

/**
 * @param {object} image
 * @param {Pattern} pattern
 * @param {boolean} isForAll
 */
export function setCrop(image, pattern, isForAll) {
  if (isForAll) {
    own.clear();
    shared = pattern;
  } else {
    own.set(image, pattern);
  }
}

/** What undoes all that is cropped from here on. */
export function undoCrops() {
  const [before, all] = [new Map(own), shared];
  return () => {
    own.clear();
    for (const [image, pattern] of before) own.set(image, pattern);
    shared = all;
  };
}

export function clearCrops() {
  own.clear();
  shared = null;
}

/**
 * The part to keep, in pixels of the upright picture; nothing where that is all of it.
 * @param {Sized} image
 * @returns {Box | null}
 */
export function cropOf(image) {
  const pattern = patternOf(image);
  if (!pattern || !image.pixels) return null;
  const box = whole(carried(pattern, image.pixels), image.pixels);
  return box.width === image.pixels.width && box.height === image.pixels.height ? null : box;
}

/**
 * Whether a picture is to be cropped of which nobody knows how large it is.
 * @param {Sized} image
 */
export const isLost = (image) => Boolean(patternOf(image)) && !image.pixels;
