// What is said of all uploads together: how many are done, how fast they go, and how long the rest takes.

import { rows } from "./files.js";
import { find, note } from "./page.js";
import { language, say, sizeInWords, texts } from "./words.js";

const EVERY = 3000; // milliseconds: a screen reader reads out each note
const SPAN = 10_000; // milliseconds that the speed is measured over
const SHORTEST = 2000; // milliseconds that say something about the speed

let told = -Infinity;
/** @type {{ at: number, gone: number }[]} */
let seen = [];

/** To be called whenever more was sent; says so every few seconds. */
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
  seen = gone < before ? [] : seen.filter(({ at }) => now - at < SPAN); // less than before: some begin again
  seen.push({ at: now, gone });
  const count = { done, count: sent.length };
  const speed = speedOf(now, gone);
  if (!sent.length) note("");
  else if (!speed || done === sent.length) note(say(texts.progress, count));
  else note(say(texts.progressPace, { ...count, speed: sizeInWords(speed), time: inWords((bytes - gone) / speed) }));
}

/**
 * In bytes a second; nothing while it is too early to say.
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
