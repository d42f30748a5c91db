// How a recipe changes the shape of an image.

import { carried, whole as wholeBox } from "./crop_box.js";

/** @typedef {Record<string, any>} Recipe */

const LEAST_BYTES = 1000;

/**
 * Return the part of a recipe that changes the shape, for a result of this size, or null if the whole first frame is kept as it is.
 * @param {Recipe} recipe
 * @param {number} width
 * @param {number} height
 * @returns {Recipe | null}
 */
export function shapeOf({ pages, crop, focal_point, rotate, flip, background, resize = {} }, width, height) {
  const { mode, gravity, border } = resize;
  const isCut = ["fill", "pad"].includes(mode);
  if (!pages && !crop && !rotate && !flip && !isCut) return null;
  const cut = { background: mode === "pad" ? background : undefined, focal_point: mode === "fill" ? focal_point : undefined, resize: { mode, gravity, border, width, height, enlarge: true } };
  // Drop undefined values.
  return JSON.parse(JSON.stringify({ pages, crop, rotate, flip, ...(isCut ? cut : {}) }));
}

/**
 * Adapt the recipe to a smaller copy of an image: scale the crop, which is in pixels, and the target size in bytes.
 * @param {Recipe} recipe
 * @param {import("./sample.js").Sample} sample
 * @returns {Recipe}
 */
export function scaledTo(recipe, { whole, copy }) {
  if (!whole || !copy) return recipe;
  const { crop, target_bytes: most } = recipe;
  const box = crop && wholeBox(carried({ box: crop, size: whole, ratio: null }, copy), copy);
  const alone = { ...recipe, pages: undefined }; // a copy has a single frame
  const scaled = box ? { ...alone, crop: box } : alone;
  // Keep the bytes per pixel, so that the preview looks like the result.
  const share = Math.min(1, pixelsOf(copy, scaled) / pixelsOf(whole, recipe));
  return most ? { ...scaled, target_bytes: Math.max(LEAST_BYTES, Math.round(most * share)) } : scaled;
}

/**
 * Return how many pixels the result of the whole image will have.
 * @param {{ width: number, height: number }} whole
 * @param {Recipe} recipe
 */
export function pixelsOf(whole, { crop, resize = {} }) {
  const { width, height } = crop ?? whole;
  const scale = resize.scale ? resize.scale / 100 : Math.min((resize.width ?? width) / width, (resize.height ?? height) / height, 1);
  return width * height * scale ** 2;
}
