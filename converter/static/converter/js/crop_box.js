// Arithmetic for crop boxes, in pixels of the upright image.

/**
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ x: number, y: number, width: number, height: number }} Box
 * @typedef {{ box: Box, size: Size, ratio: number | null }} Pattern a crop and the size of the image it was made for
 */

/** @type {(value: number, least: number, most: number) => number} */
export const clamp = (value, least, most) => Math.max(least, Math.min(value, most));

/**
 * Return the largest centred box with this aspect ratio.
 * @param {number | null} ratio
 * @param {Size} size
 * @returns {Box}
 */
export function largest(ratio, size) {
  const width = ratio ? Math.min(size.width, size.height * ratio) : size.width;
  const height = ratio ? width / ratio : size.height;
  return { x: (size.width - width) / 2, y: (size.height - height) / 2, width, height };
}

/**
 * @param {Box} box
 * @param {number} dx
 * @param {number} dy
 * @param {Size} size
 * @returns {Box}
 */
export function moved(box, dx, dy, size) {
  return { ...box, x: clamp(box.x + dx, 0, size.width - box.width), y: clamp(box.y + dy, 0, size.height - box.height) };
}

/**
 * Return the box changed to another aspect ratio, with the same area and centre.
 * @param {Box} box
 * @param {number | null} ratio
 * @param {Size} size
 * @returns {Box}
 */
export function reshaped(box, ratio, size) {
  if (!ratio) return box;
  const width = Math.min(Math.sqrt(box.width * box.height * ratio), largest(ratio, size).width);
  return around({ x: box.x + box.width / 2, y: box.y + box.height / 2 }, { width, height: width / ratio }, size);
}

/**
 * @param {{ x: number, y: number }} middle
 * @param {Size} inner
 * @param {Size} size
 * @returns {Box}
 */
function around(middle, inner, size) {
  return moved({ x: middle.x - inner.width / 2, y: middle.y - inner.height / 2, ...inner }, 0, 0, size);
}

/**
 * Transfer a crop to an image of another size: same relative position and aspect ratio, or same fractions of the sides without a ratio.
 * @param {Pattern} pattern
 * @param {Size} other
 * @returns {Box}
 */
export function carried({ box, size, ratio }, other) {
  const [across, down] = [other.width / size.width, other.height / size.height];
  const middle = { x: (box.x + box.width / 2) * across, y: (box.y + box.height / 2) * down };
  if (!ratio) return around(middle, { width: box.width * across, height: box.height * down }, other);
  const width = largest(ratio, other).width * Math.min(1, box.width / largest(ratio, size).width);
  return around(middle, { width, height: width / ratio }, other);
}

/**
 * Round the box to whole pixels within the image.
 * @param {Box} box
 * @param {Size} size
 * @returns {Box}
 */
export function whole(box, size) {
  const width = clamp(Math.round(box.width), 1, size.width);
  const height = clamp(Math.round(box.height), 1, size.height);
  return { x: clamp(Math.round(box.x), 0, size.width - width), y: clamp(Math.round(box.y), 0, size.height - height), width, height };
}
