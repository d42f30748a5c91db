// Sends the file of one row with its upload form, renews an expired form and shows the progress.

import { showTotal } from "./pace.js";
import { state } from "./page.js";
import { renewForm } from "./server.js";
import { Expired, Refused, Stopped, send } from "./upload.js";
import { say, texts, told } from "./words.js";

/** @typedef {import("./row.js").Row} Row */

const FORM_LIFE = 4 * 60_000; // milliseconds; a form is valid for five minutes, until sending begins

/**
 * Send the file, unless it is being sent or has been sent: concurrent callers share one promise.
 * @param {Row} row
 * @returns {Promise<string>} why it failed, or "" if it was sent or stopped
 */
export function transfer(row) {
  row.arrival ??= deliver(row).then((problem) => {
    if (!row.isHere) row.arrival = null; // so that it can be tried again
    return problem;
  });
  return row.arrival;
}

/** @param {Row} row */
async function deliver(row) {
  const problem = performance.now() - row.since > FORM_LIFE ? await renew(row) : "";
  return problem || attempt(row, false);
}

/**
 * @param {Row} row
 * @param {boolean} isSecondTry
 * @returns {Promise<string>}
 */
async function attempt(row, isSecondTry) {
  if (!row.target) return texts.failed;
  row.stop = new AbortController();
  try {
    await send(row.target.form, row.file, { signal: row.stop.signal, progress: (share) => showShare(row, share) });
  } catch (error) {
    if (error instanceof Stopped) return "";
    if (error instanceof Refused) return told(error.problem);
    if (!(error instanceof Expired)) return texts.failed;
    return isSecondTry ? texts.expired : (await renew(row)) || attempt(row, true);
  }
  row.isHere = true;
  showShare(row, 1);
  return "";
}

/**
 * @param {Row} row
 * @param {number} share
 */
function showShare(row, share) {
  row.share = share;
  if (row.state === "sending" || row.state === "waiting") row.set("sending", say(texts.sending, { percent: Math.round(share * 100) }));
  else row.showAhead();
  if (state.batch) showTotal();
}

// Get a new form, since forms expire after a few minutes. Returns why there is none, or "".
/** @param {Row} row */
export async function renew(row) {
  if (!row.target) return texts.failed;
  const { form, problem } = await renewForm(row.target.id);
  if (!form) return problem ?? texts.failed;
  row.target.form = form;
  row.since = performance.now();
  return "";
}
