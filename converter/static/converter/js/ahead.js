// Uploads files while the user chooses options. The files are announced to the site, which deletes those that get into no batch.

import { chosen, keep } from "./chosen.js";
import { maybe } from "./dom.js";
import { inBatch, ready, rows, shown } from "./files.js";
import { form, state } from "./page.js";
import { announceFiles } from "./server.js";
import { transfer } from "./transfer.js";

/** @typedef {import("./row.js").Row} Row */

const AT_ONCE = 2;
const MOST_KEPT = 200; // their ids have to fit into a URL
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

let isStaying = false; // whether the user goes to another page of the site, which does not log them out
window.navigation?.addEventListener("navigate", ({ destination, downloadRequest }) => {
  if (destination.sameDocument || downloadRequest !== null) return;
  const logOut = maybe(document, "[data-log-out]", HTMLFormElement)?.action;
  isStaying = new URL(destination.url).origin === location.origin && destination.url !== logOut;
});

function keepChosen() {
  const images = inBatch().filter((image) => !("file" in image) || image.isHere).slice(0, MOST_KEPT);
  if (!images.length) return;
  const known = chosen()?.until ?? Date.now() + KEPT_FOR;
  const dates = images.map((image) => ("file" in image ? image.announced + KEPT_FOR : known));
  keep({ uploads: images.flatMap((image) => ("file" in image ? image.target?.id ?? [] : image.upload)), until: Math.min(...dates) });
}

window.addEventListener("beforeunload", (event) => {
  if (!state.batch && (ready().some((row) => !row.isHere) || inBatch().length > MOST_KEPT)) event.preventDefault();
});
// A page that goes into the back/forward cache must have nothing in progress. Leaving the site deletes its uploads.
window.addEventListener("pagehide", (event) => {
  if (isStaying && !state.batch) keepChosen();
  else keep({ uploads: [], until: 0 });
  if (state.busy || state.batch) return;
  for (const row of rows) {
    if (event.persisted || (isStaying && row.isHere)) row.stop?.abort();
    else row.forget();
  }
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  isStaying = false;
  again();
});
sendAhead();
