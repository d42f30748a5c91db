// The focal point of each image: its own or the one shared by all.

import { PerImage } from "./per_image.js";

/** @typedef {{ x: number, y: number }} Point in fractions of the upright picture, from its top left */

/** @type {PerImage<Point>} */
export const points = new PerImage();
