// What is sent of an image for its preview: its upload, the file itself, or a smaller copy of a file too large.

import { limits } from "./page.js";

export const SIDE = 1600; // longest side of a copy

/**
 * @typedef {{ file: File, name: string, size: number } | { upload: string, name: string, size: number, side: number, thumbnail?: string }} Picture
 * @typedef {{ source: Parameters<typeof import("./server.js").convertOnce>[0], whole?: { width: number, height: number } }} Sample
 * `whole`: the size of the picture that a copy stands for
 */

/**
 * @param {Picture} image
 * @returns {Promise<Sample | null>}
 */
export async function sampleOf(image) {
  if (!("file" in image)) return { source: { upload: image.upload } };
  const { file, name } = image;
  if (file.size <= limits.preview) return { source: { blob: file, name } };
  const whole = await createImageBitmap(file).catch(() => null);
  if (!whole) return null;
  const blob = await shrink(whole, file.type === "image/png" ? "image/png" : "image/jpeg");
  if (!blob || blob.size > limits.preview) return null;
  return { source: { blob, name }, whole: { width: whole.width, height: whole.height } };
}

/**
 * @param {ImageBitmap} whole
 * @param {string} type
 * @returns {Promise<Blob | null>}
 */
function shrink(whole, type) {
  const share = Math.min(1, SIDE / Math.max(whole.width, whole.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(whole.width * share);
  canvas.height = Math.round(whole.height * share);
  canvas.getContext("2d")?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, type, 0.95); });
}
