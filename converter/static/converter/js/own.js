// The recipe for one image, with the crop and focal point set for that image.

import { cropOf } from "./crops.js";
import { points } from "./points.js";

/** @typedef {Record<string, any>} Recipe */

/**
 * Return the recipe itself if the image has no crop or focal point.
 * @param {import("./files.js").Image} image
 * @param {Recipe} recipe
 * @returns {Recipe}
 */
export function recipeFor(image, recipe) {
  const crop = cropOf(image);
  const cropped = crop ? { ...recipe, crop } : recipe;
  const point = points.of(image);
  if (!point || recipe.resize?.mode !== "fill") return cropped;
  // A focal point replaces gravity.
  return { ...cropped, focal_point: point, resize: { ...recipe.resize, gravity: undefined } };
}
