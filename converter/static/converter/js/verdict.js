// Describes a previewed result: its file size, and warnings about quality or lost content.

import { one } from "./dom.js";
import { cards, touchedIndex } from "./outputs.js";
import { find } from "./page.js";
import { pixelsOf } from "./shape.js";
import { say, sizeInWords, texts } from "./words.js";

/**
 * @typedef {{ text: string, isBad?: boolean }} Told
 * @typedef {{ result: Blob, report?: Record<string, any>, pixels: number | null }} Made `pixels`: number of pixels, if the browser can show it
 */

const USUAL = 1600; // pixels of the longest side
const button = find("try-smaller", HTMLButtonElement);
let side = 0; // offered as the new longest side

export function hideSmaller() {
  button.hidden = true;
}

/**
 * @param {import("./files.js").Image} image
 * @param {Made} made
 * @param {import("./sample.js").Sample} sent
 * @param {Record<string, any>} recipe
 * @returns {Told}
 */
export function verdict(image, made, sent, recipe) {
  const size = inWords(image.size, sizeAfter(made, sent, recipe), Boolean(sent.whole));
  /** @type {{ code: string, params: Record<string, any> }[]} */
  const warnings = (made.report?.warnings ?? []).filter((/** @type {{ code: string }} */ { code }) => code in texts); // other warnings are shown with the result
  if (warnings.some(({ code }) => code === "low_quality")) offerSmaller(image, recipe);
  const said = warnings.map(({ code, params }) => say(texts[code], params));
  return { text: [size, ...said].join(" · "), isBad: said.length > 0 };
}

/**
 * @param {import("./files.js").Image} image
 * @param {Record<string, any>} recipe
 */
function offerSmaller({ pixels }, { resize = {} }) {
  const asked = Math.max(resize.width ?? 0, resize.height ?? 0) || Infinity;
  const longest = Math.min(asked, Math.max(pixels?.width ?? 0, pixels?.height ?? 0));
  side = longest > USUAL ? USUAL : Math.round(longest / 2);
  button.textContent = say(texts.limitSide, { side });
  button.hidden = !side || (resize.mode ?? "fit") !== "fit" || Boolean(resize.scale);
}

/**
 * @param {Made} made
 * @param {import("./sample.js").Sample} sent
 * @param {Record<string, any>} recipe
 */
function sizeAfter({ result, pixels }, { whole }, recipe) {
  const times = whole && pixels ? Math.max(1, pixelsOf(whole, recipe) / pixels) : 1;
  return Math.min(result.size * times, recipe.target_bytes ?? Infinity);
}

/**
 * @param {number} before
 * @param {number} after
 * @param {boolean} isAbout
 */
function inWords(before, after, isAbout) {
  const percent = Math.min(Math.round(100 - (100 * after) / before), 99);
  const change = say(percent >= 0 ? texts.smaller : texts.larger, { percent: Math.abs(percent) });
  return say(isAbout ? texts.triedAbout : texts.tried, { before: sizeInWords(before), after: sizeInWords(after), change });
}

button.addEventListener("click", () => {
  hideSmaller();
  for (const name of ["width", "height"]) {
    const input = one(cards()[touchedIndex()], `[name$='-resize.${name}']`, HTMLInputElement);
    input.value = String(side);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
