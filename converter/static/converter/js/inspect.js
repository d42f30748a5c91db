// Marks files that cannot be converted, with what the site says of them.

import { changed, limits, state } from "./page.js";

/** @typedef {{ name: string, size: number, state?: string, file?: File, set?: (next: "bad", note: string) => void }} Chosen */

// What no options and no second copy of the file can help.
const FAULTS = ["not_an_image", "unsupported_format", "unsupported_variant", "too_many_pixels", "too_many_frames"];
const SMALL = { format: "jpeg", frames: "first", resize: { width: 16, height: 16 } };
const MOST = 10; // files that are asked about

let asked = 0;
let queue = Promise.resolve();

/**
 * Mark an image if it is the file that is at fault, and not the options.
 * @param {Chosen} image
 * @param {string | undefined} code
 * @param {string | undefined} problem
 */
export function mark(image, code, problem) {
  const isFault = code !== undefined && FAULTS.includes(code);
  if (!isFault || !problem || image.state !== "ready" || state.busy || state.batch) return;
  image.set?.("bad", problem);
  changed();
}

/**
 * Ask about a file that the browser cannot read, one after another.
 * @param {Chosen & { file: File, element: HTMLElement }} row
 */
export function inspect(row) {
  if (row.state !== "ready" || row.size > limits.preview || asked >= MOST) return;
  asked += 1;
  queue = queue.then(async () => {
    if (row.state !== "ready" || state.busy || state.batch || !row.element.isConnected) return;
    const { convertOnce } = await import("./server.js");
    const { code, problem } = await convertOnce({ blob: row.file, name: row.name }, SMALL);
    mark(row, code, problem);
  });
}
