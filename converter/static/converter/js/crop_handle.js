// Computes the crop while one of its handles is dragged.

import { clamp } from "./crop_box.js";

/**
 * @typedef {import("./crop_box.js").Size} Size
 * @typedef {import("./crop_box.js").Box} Box
 */

/**
 * The maximum length of a side from a position: forwards, backwards, or in both directions.
 * @type {(at: number, way: number, whole: number) => number}
 */
const room = (at, way, whole) => {
  if (way) return way > 0 ? whole - at : at;
  return 2 * Math.min(at, whole - at);
};

/**
 * The box after one of its handles (n, ne, e, …) was dragged; the opposite corner or edge stays in place.
 * @param {Box} start
 * @param {string} handle
 * @param {number} dx
 * @param {number} dy
 * @param {Size} size
 * @param {number | null} ratio
 * @returns {Box}
 */
export function dragged(start, handle, dx, dy, size, ratio) {
  const across = Number(handle.includes("e")) - Number(handle.includes("w"));
  const down = Number(handle.includes("s")) - Number(handle.includes("n"));
  const fixed = { x: start.x + (start.width * (1 - across)) / 2, y: start.y + (start.height * (1 - down)) / 2 };
  const most = { width: room(fixed.x, across, size.width), height: room(fixed.y, down, size.height) };
  let width = clamp(start.width + across * dx, 1, most.width);
  let height = clamp(start.height + down * dy, 1, most.height);
  if (ratio) {
    // A corner follows the side that has changed more.
    const [wider, higher] = [Math.abs(width / start.width - 1), Math.abs(height / start.height - 1)];
    const isWide = across && (!down || wider >= higher);
    width = Math.min(isWide ? width : height * ratio, most.width, most.height * ratio);
    height = width / ratio;
  }
  return { x: fixed.x - (width * (1 - across)) / 2, y: fixed.y - (height * (1 - down)) / 2, width, height };
}
