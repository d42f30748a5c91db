// Previews the result for one image before the batch is converted, through the one-shot API, which stores nothing.

import { Comparison } from "./comparison.js";
import { one } from "./dom.js";
import { shown } from "./files.js";
import { mark } from "./inspect.js";
import { cards, touchedIndex } from "./outputs.js";
import { recipeFor } from "./own.js";
import { find, limits, state } from "./page.js";
import { sampleOf } from "./sample.js";
import { convertOnce, readOutputs } from "./server.js";
import { scaledTo } from "./shape.js";
import { hideSmaller, verdict } from "./verdict.js";
import { say, sizeInWords, texts } from "./words.js";

/** @typedef {import("./verdict.js").Told} Told */

const WAIT = 500; // milliseconds after the last change
const section = find("try", HTMLElement);
const [note, view, bar] = ["note", "view", "bar"].map((name) => one(section, `[data-try-${name}]`, HTMLElement));
const start = one(section, "[data-try-start]", HTMLButtonElement);
const isDear = Boolean(navigator.connection?.saveData); // then preview only on request

/** @type {Comparison | null} */
let comparison = null; // of the displayed image
let isWanted = !isDear;
let isRunning = false;
let timer = 0;
let turn = 0; // counts changes
let asked = ""; // the recipe whose result is shown or being made

start.addEventListener("click", () => {
  isWanted = true;
  start.hidden = true;
  run();
});

/** Call after every change of images or outputs; returns the displayed image. */
export function update() {
  if (state.busy || state.batch) return comparison?.image ?? null;
  const image = shown();
  turn += 1;
  clearTimeout(timer);
  if (image !== (comparison?.image ?? null)) begin(image);
  if (image && isWanted && !state.cropping) timer = setTimeout(run, WAIT);
  return image;
}

/**
 * Return the URL of the whole original, if this image is the displayed one.
 * @param {import("./files.js").Image} image
 */
export async function wholeOf(image) {
  await null; // the caller may have been notified before this module
  return comparison?.image === image ? comparison.whole() : null;
}

/** @param {import("./files.js").Image | null} image */
function begin(image) {
  comparison?.close();
  comparison = image && new Comparison(image, view);
  asked = "";
  isWanted = !isDear;
  section.hidden = !image;
  start.hidden = !isDear;
  view.replaceChildren();
  tell({ text: "" });
  hideSmaller();
  if (comparison) comparison.opened = comparison.open(isWanted);
}

async function run() {
  if (isRunning || !isWanted || !comparison || state.busy || state.batch) return; // the current run checks for changes when it is done
  isRunning = true;
  const [seen, current] = [turn, comparison];
  const told = await preview(current);
  isRunning = false;
  bar.hidden = true;
  if (told && !current.isClosed) tell({ ...told, text: ofOutput(told.text) });
  if (seen !== turn) run();
}

/**
 * Say which output the preview shows, if there are several.
 * @param {string} text
 */
const ofOutput = (text) => (cards().length > 1 ? say(texts.ofOutput, { number: touchedIndex() + 1, text }) : text);

/** @param {Told} told */
function tell({ text, isBad = false }) {
  note.textContent = text;
  note.classList.toggle("is-bad", isBad);
}

/**
 * Return the text to show, or null if nothing has changed.
 * @param {Comparison} current
 * @returns {Promise<Told | null>}
 */
async function preview(current) {
  const { outputs, problem } = await readOutputs();
  const { recipe: read, errors = {} } = outputs[touchedIndex()] ?? {};
  if (!read) {
    asked = "";
    return { text: problem ?? [...new Set(Object.values(errors).flat())].join(" "), isBad: true };
  }
  const recipe = { ...recipeFor(current.image, read), ...(read.frames === "each" && { frames: "first" }) };
  if (current.isClosed || JSON.stringify(recipe) === asked) return null;
  asked = JSON.stringify(recipe);
  bar.hidden = false;
  tell({ text: texts.trying });
  hideSmaller();
  return convert(current, recipe);
}

/**
 * @param {Comparison} current
 * @param {Record<string, any>} recipe
 * @returns {Promise<Told | null>}
 */
async function convert(current, recipe) {
  const sent = await sampleOf(current.image, recipe);
  if (current.isClosed) return null;
  if (!sent) return { text: say(texts.tryTooLarge, { size: sizeInWords(limits.preview) }) };
  const scaled = scaledTo(recipe, sent);
  const { result, problem, code, report } = await convertOnce(sent.source, scaled);
  if (current.isClosed) return null;
  if (!result) {
    mark(current.image, code, problem);
    return { text: problem ?? texts.tryAway, isBad: true };
  }
  const pixels = await current.show(result, sent, scaled);
  return current.isClosed ? null : verdict(current.image, { result, report, pixels }, sent, recipe);
}
