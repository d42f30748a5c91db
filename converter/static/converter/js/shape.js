// What a recipe does to the shape of a picture.

import { carried, whole as wholeBox } from "./crop_box.js";

/** @typedef {Record<string, any>} Recipe */

const LEAST_BYTES = 1000;

/**
 * The part of a recipe that shapes, for a result of this size; nothing where all of the first picture is seen as it is.
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
  // Without what is undefined.
  return JSON.parse(JSON.stringify({ pages, crop, rotate, flip, ...(isCut ? cut : {}) }));
}

/**
 * The recipe for a smaller copy of a picture: a crop is in pixels of the picture, a size in bytes is for all of it.
 * @param {Recipe} recipe
 * @param {import("./sample.js").Sample} sample
 * @returns {Recipe}
 */
export function scaledTo(recipe, { whole, copy }) {
  if (!whole || !copy) return recipe;
  const { crop, target_bytes: most } = recipe;
  const box = crop && wholeBox(carried({ box: crop, size: whole, ratio: null }, copy), copy);
  const alone = { ...recipe, pages: undefined }; // a copy has one picture
  const scaled = box ? { ...alone, crop: box } : alone;
  // As many bytes for each pixel, so that it looks as the result will.
  const share = Math.min(1, pixelsOf(copy, scaled) / pixelsOf(whole, recipe));
  return most ? { ...scaled, target_bytes: Math.max(LEAST_BYTES, Math.round(most * share)) } : scaled;
}

/**
 * How many pixels the result of a whole picture will have.
 * @param {{ width: number, height: number }} whole
 * @param {Recipe} recipe
 */
export function pixelsOf(whole, { crop, resize = {} }) {
  const { width, height } = crop ?? whole;
  const scale = resize.scale ? resize.scale / 100 : Math.min((resize.width ?? width) / width, (resize.height ?? height) / height, 1);
  return width * height * scale ** 2;
}
