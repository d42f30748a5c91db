// The focal point of each picture: its own, or the one that is the same for all.

import { PerImage } from "./per_image.js";

/** @typedef {{ x: number, y: number }} Point in fractions of the upright picture, from its top left */

/** @type {PerImage<Point>} */
export const points = new PerImage();
