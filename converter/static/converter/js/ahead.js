// Uploads files while the user chooses options. The files are announced to the site, which deletes those that get into no batch.

import { ready, rows, shown } from "./files.js";
import { form, state } from "./page.js";
import { announceFiles } from "./server.js";
import { transfer } from "./transfer.js";

/** @typedef {import("./row.js").Row} Row */

const AT_ONCE = 2;
const KEPT_FOR = 50 * 60_000; // milliseconds; the site deletes them after an hour
const isDear = Boolean(navigator.connection?.saveData); // then upload only on conversion

/** @typedef {import("./server.js").Answer & { files: Row[] }} Refusal which files the site does not take, and why */

/** @type {Promise<Refusal | null>} */
let turn = Promise.resolve(null);
let lanes = 0;

/** @param {Row} row */
const isAnnounced = (row) => row.target !== null && Date.now() - row.announced < KEPT_FOR;

/**
 * Announce the files that have not been announced yet.
 * @param {Row[]} some
 */
export function announce(some) {
  turn = turn.then(() => announceNew(some)); // in sequence, so that each file is announced once
  return turn;
}

/**
 * @param {Row[]} some
 * @returns {Promise<Refusal | null>}
 */
async function announceNew(some) {
  const files = some.filter((row) => row.state === "ready" && !isAnnounced(row));
  if (!files.length) return null;
  const answer = await announceFiles(files.map((row) => ({ name: row.path, size: row.size })));
  if (answer.status !== 201) {
    for (const row of files) row.hasFailed = true;
    return { ...answer, files };
  }
  for (const [index, row] of files.entries()) row.announce(answer.said.uploads[index]);
  for (const row of files) if (!rows.includes(row)) row.forget();
  return null;
}

/**
 * Wait until the file of a row has been uploaded, if it can be uploaded before the conversion.
 * @param {Row} row
 * @returns {Promise<string | null>} the id of the upload
 */
export async function arrived(row) {
  if ((isDear || row.hasFailed) && !row.target) return null;
  if (await announce([row])) return null;
  if (isAnnounced(row)) await transfer(row);
  return isAnnounced(row) && row.isHere ? row.target?.id ?? null : null;
}

// The displayed image first: its preview needs the upload.
function next() {
  const waiting = ready().filter((row) => isAnnounced(row) && !row.arrival && !row.hasFailed);
  return waiting.find((row) => row === shown()) ?? waiting[0];
}

async function lane() {
  lanes += 1;
  for (let row = next(); row && !state.busy; row = next()) {
    await transfer(row);
    row.hasFailed = !row.isHere;
  }
  lanes -= 1;
}

async function sendAhead() {
  if (isDear || state.busy || state.batch) return;
  // Refused files are announced again by Convert, not after each change of an option.
  await announce(ready().filter((row) => !row.hasFailed));
  for (const row of rows) if (row.state === "bad") row.forget();
  while (lanes < AT_ONCE && next() && !state.busy) lane();
}

function again() {
  for (const row of rows) row.hasFailed = false;
  sendAhead();
}

form.addEventListener("convert:changed", sendAhead);
window.addEventListener("online", again);
// A page that goes into the back/forward cache must have nothing in progress; any other page deletes its uploads.
window.addEventListener("pagehide", (event) => {
  if (state.busy || state.batch) return;
  for (const row of rows) {
    if (event.persisted) row.stop?.abort();
    else row.forget();
  }
});
window.addEventListener("pageshow", (event) => { if (event.persisted) again(); });
sendAhead();
