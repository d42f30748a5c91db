// Sends each file with its own upload form, a few at a time; failed ones can be sent again.

import { around } from "./dom.js";
import { failed, rowOf, rows } from "./files.js";
import { find, note, setBusy, state } from "./page.js";
import { showTotal } from "./pace.js";
import { cancelBatch } from "./server.js";
import { renew, transfer } from "./transfer.js";
import { texts } from "./words.js";

/** @typedef {import("./row.js").Row} Row */

const AT_ONCE = 4;

let rounds = 0; // in progress; leaving the page before the last one ends would lose a retry

/** @param {() => Promise<unknown>} sendSome */
async function round(sendSome) {
  rounds += 1;
  setBusy(true);
  await sendSome();
  rounds -= 1;
  if (rounds) return;
  setBusy(false);
  finish();
}

/** @param {Row[]} some */
export const sendAll = (some) => round(async () => {
  for (const row of some) row.wait();
  showTotal();
  const queue = [...some];
  const lane = async () => { for (let row = queue.shift(); row; row = queue.shift()) await sendOne(row); };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
});

// Read the state through a function: it may change during an await, which type narrowing ignores.
/** @param {Row} row */
const isOut = (row) => row.state === "out";

/** @param {Row} row */
async function sendOne(row) {
  if (isOut(row)) return;
  const problem = await transfer(row);
  if (!isOut(row) && row.isHere) row.set("sent", texts.sent);
  else if (problem && !isOut(row)) row.set("failed", problem);
  showTotal();
}

/** @param {Row} row */
const resume = (row) => round(async () => {
  row.wait();
  const problem = await renew(row);
  if (problem) row.set("failed", problem);
  else await sendOne(row);
});

function finish() {
  const [first] = failed();
  if (!first) {
    location.assign(state.batch);
    return;
  }
  note(texts.someFailed);
  find("submit", HTMLElement).textContent = texts.sendAgain;
  first.element.scrollIntoView({ block: "nearest" });
  const onwards = find("go-on", HTMLAnchorElement);
  onwards.href = state.batch;
  onwards.hidden = false;
}

async function cancel() {
  for (const row of rows) {
    row.stop?.abort();
    if (["waiting", "sending"].includes(row.state)) row.set("out", texts.cancelled);
  }
  await cancelBatch(state.batch);
  state.busy = false;
  location.assign(state.batch);
}

find("stop", HTMLElement).addEventListener("click", cancel);
find("rows", HTMLElement).addEventListener("click", (event) => {
  const row = rowOf(event);
  if (row && around(event, "[data-resume]", HTMLElement)) resume(row);
});
window.addEventListener("online", () => {
  if (state.batch && !state.busy && failed().length) sendAll(failed());
});
// A page restored from the back/forward cache holds a form that was already sent: reload it.
window.addEventListener("pageshow", (event) => { if (event.persisted && state.batch) location.reload(); });
window.addEventListener("beforeunload", (event) => { if (state.busy) event.preventDefault(); });
