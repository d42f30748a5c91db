// Chooses what to send for a preview: the upload, the file itself, or a smaller copy of a file that is too large.

import { arrived } from "./ahead.js";
import { limits } from "./page.js";

export const SIDE = 1600; // of a copy

/**
 * @typedef {import("./crop_box.js").Size} Size
 * @typedef {{ source: Parameters<typeof import("./server.js").convertOnce>[0], whole?: Size, copy?: Size }} Sample
 * `whole`: the size of the original image, `copy`: the size of its copy
 */

/** @type {WeakMap<object, Promise<Sample | null>>} */
const copies = new WeakMap();

/**
 * @param {import("./files.js").Image} image
 * @param {Record<string, any>} recipe
 * @returns {Promise<Sample | null>}
 */
export async function sampleOf(image, recipe) {
  if (!("file" in image)) return { source: { upload: image.upload } };
  const { file, name } = image;
  const isSmall = file.size <= limits.preview;
  const copy = isSmall || recipe.pages ? null : await copyOf(image); // a copy has a single frame
  if (copy) return copy;
  const upload = await arrived(image);
  if (upload) return { source: { upload } };
  return isSmall ? { source: { blob: file, name } } : copyOf(image);
}

/** @param {import("./row.js").Row} row */
function copyOf(row) {
  const copy = copies.get(row) ?? shrunk(row);
  copies.set(row, copy);
  return copy;
}

/**
 * @param {import("./row.js").Row} row
 * @returns {Promise<Sample | null>}
 */
async function shrunk({ file, name }) {
  const whole = await createImageBitmap(file).catch(() => null);
  if (!whole) return null;
  const share = Math.min(1, SIDE / Math.max(whole.width, whole.height));
  const copy = { width: Math.round(whole.width * share), height: Math.round(whole.height * share) };
  const blob = await shrink(whole, copy, file.type === "image/png" ? "image/png" : "image/jpeg");
  if (!blob || blob.size > limits.preview) return null;
  return { source: { blob, name }, whole: { width: whole.width, height: whole.height }, copy };
}

/**
 * @param {ImageBitmap} whole
 * @param {Size} size
 * @param {string} type
 * @returns {Promise<Blob | null>}
 */
function shrink(whole, size, type) {
  const canvas = Object.assign(document.createElement("canvas"), size);
  canvas.getContext("2d")?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, type, 0.95); });
}
