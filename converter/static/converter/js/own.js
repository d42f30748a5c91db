// A recipe for one image: with the crop and the focal point that the image has by hand.

import { cropOf } from "./crops.js";
import { points } from "./points.js";

/** @typedef {Record<string, any>} Recipe */

/**
 * The same recipe where the image has nothing of its own.
 * @param {import("./files.js").Image} image
 * @param {Recipe} recipe
 * @returns {Recipe}
 */
export function recipeFor(image, recipe) {
  const crop = cropOf(image);
  const cropped = crop ? { ...recipe, crop } : recipe;
  const point = points.of(image);
  if (!point || recipe.resize?.mode !== "fill") return cropped;
  // A point takes the place of a gravity.
  return { ...cropped, focal_point: point, resize: { ...recipe.resize, gravity: undefined } };
}
