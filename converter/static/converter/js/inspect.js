// Marks files that cannot be converted, with the site's error message.

import { rows, shown } from "./files.js";
import { changed, form, state } from "./page.js";
import { sampleOf } from "./sample.js";
import { convertOnce } from "./server.js";

/** @typedef {import("./row.js").Row} Row */

// Errors that neither other options nor another upload can avoid.
const FAULTS = ["not_an_image", "unsupported_format", "unsupported_variant", "too_many_pixels", "too_many_frames"];
// Errors that may affect only one of several frames or pages, so that other options can avoid them.
const DAMAGES = ["truncated", "corrupt"];
const SMALL = { format: "jpeg", frames: "first", resize: { width: 16, height: 16 } };
const MOST = 10; // maximum number of files to check

let asked = 0;
let queue = Promise.resolve();

/** @param {Row} row */
const isOpen = (row) => row.state === "ready" && !state.busy && !state.batch && row.element.isConnected;

/**
 * Mark an image if the file causes the error, and not the options.
 * @param {import("./files.js").Image} image
 * @param {string | undefined} code
 * @param {string | undefined} problem
 */
export function mark(image, code, problem) {
  if (!code || !problem || !("file" in image) || !isOpen(image)) return;
  if (DAMAGES.includes(code)) ask(image);
  if (!FAULTS.includes(code)) return;
  image.set("bad", problem);
  changed();
}

// Check the files that the browser cannot show, one after another. The displayed one is previewed anyway.
function inspect() {
  for (const row of rows) {
    if (!row.isUnseen || row === shown() || asked >= MOST) continue;
    row.isUnseen = false;
    asked += 1;
    queue = queue.then(() => ask(row));
  }
}

/** @param {Row} row */
async function ask(row) {
  if (!isOpen(row)) return;
  const sent = await sampleOf(row, SMALL);
  if (!sent || !isOpen(row)) return;
  const { code, problem } = await convertOnce(sent.source, SMALL);
  if (!code || !problem || ![...FAULTS, ...DAMAGES].includes(code) || !isOpen(row)) return;
  row.set("bad", problem);
  changed();
}

form.addEventListener("convert:measured", inspect);
inspect();
