// An image that is already on the server and is converted again: its row, and its earlier crop and focal point.

import { crops } from "./crops.js";
import { maybe, one } from "./dom.js";
import { measured } from "./page.js";
import { points } from "./points.js";

/**
 * @typedef {import("./crop_box.js").Size} Size
 * @typedef {{ name: string, size: number, pixels: Size | null, upload: string, thumbnail?: string, box: HTMLInputElement, element: HTMLElement, measure: (size: Size) => void }} Kept
 */

/**
 * @param {HTMLInputElement} box
 * @returns {Kept}
 */
export function keptBy(box) {
  const element = /** @type {HTMLElement} */ (box.closest("li"));
  const [width, height] = [Number(box.dataset.width), Number(box.dataset.height)];
  /** @type {Kept} */
  const image = {
    box,
    element,
    name: one(element, ".file-name", HTMLElement).textContent ?? "",
    size: Number(box.dataset.size),
    pixels: width && height ? { width, height } : null,
    measure(size) { this.pixels = size; measured(); },
    upload: box.value,
    thumbnail: maybe(element, "img", HTMLImageElement)?.src,
  };
  if (box.dataset.crop && image.pixels) {
    const [x, y, wide, high] = box.dataset.crop.split(" ").map(Number);
    crops.set(image, { box: { x, y, width: wide, height: high }, size: image.pixels, ratio: null }, false);
  }
  if (box.dataset.point) {
    const [x, y] = box.dataset.point.split(" ").map(Number);
    points.set(image, { x, y }, false);
  }
  return image;
}
