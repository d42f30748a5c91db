// Shows the total progress of the uploads: how many are done, their speed and the time left.

import { rows } from "./files.js";
import { find, note } from "./page.js";
import { language, say, sizeInWords, texts } from "./words.js";

const EVERY = 3000; // milliseconds between notes, since screen readers announce each one
const SPAN = 10_000; // milliseconds over which the speed is averaged
const SHORTEST = 2000; // milliseconds needed for a meaningful speed

let told = -Infinity;
/** @type {{ at: number, gone: number }[]} */
let seen = [];

/** Call whenever more bytes have been sent; updates the note every few seconds. */
export function showTotal() {
  const sent = rows.filter((row) => row.target && !["ready", "bad", "out"].includes(row.state));
  const bytes = sent.reduce((sum, { size }) => sum + size, 0);
  const gone = sent.reduce((sum, { size, share }) => sum + size * share, 0);
  const done = sent.filter((row) => row.state === "sent").length;
  find("progress", HTMLProgressElement).value = bytes ? (gone / bytes) * 100 : 100;
  const now = performance.now();
  const before = seen.at(-1)?.gone ?? 0;
  if (now - told < EVERY && done < sent.length && gone >= before) return;
  told = now;
  seen = gone < before ? [] : seen.filter(({ at }) => now - at < SPAN); // if the total went down, some uploads have restarted
  seen.push({ at: now, gone });
  const count = { done, count: sent.length };
  const speed = speedOf(now, gone);
  if (!sent.length) note("");
  else if (!speed || done === sent.length) note(say(texts.progress, count));
  else note(say(texts.progressPace, { ...count, speed: sizeInWords(speed), time: inWords((bytes - gone) / speed) }));
}

/**
 * Return the speed in bytes per second, or 0 while it cannot be estimated yet.
 * @param {number} now
 * @param {number} gone
 */
function speedOf(now, gone) {
  const span = now - seen[0].at;
  return span < SHORTEST ? 0 : Math.max(0, (gone - seen[0].gone) / span) * 1000;
}

/** @param {number} seconds */
function inWords(seconds) {
  const [unit, value] = seconds < 55 ? ["second", Math.ceil(seconds / 5) * 5] : ["minute", Math.ceil(seconds / 60)];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(value);
}
