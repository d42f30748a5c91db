// One output: the options of its format, and their errors.

import { all, maybe, one } from "./dom.js";

// Fields that belong to a single choice of the quality control.
/** @type {Record<string, string>} */
const WAYS = { number: "[name$='-quality']", size: "[name$='-target_bytes'], [name$='-shrink_to_fit']" };

/** @param {ParentNode} card */
export const formatOf = (card) => one(card, "[name$='-format']", HTMLSelectElement);

/** @param {ParentNode} card */
export const sidesOf = (card) => ["width", "height"].map((side) => one(card, `[name$='-resize.${side}']`, HTMLInputElement).value);

/**
 * A short summary of an output.
 * @param {HTMLElement} card
 */
export function summaryOf(card) {
  const [width, height] = sidesOf(card);
  const size = width && height ? `${width}×${height}` : width || height;
  return [formatOf(card).selectedOptions[0].text, size && `${size} px`].filter(Boolean).join(" · ");
}

/**
 * @param {HTMLElement} input
 * @param {string} format
 */
const isFor = (input, format) => input.dataset.formats?.split(" ").includes(format) ?? false;

/** @param {ParentNode} card */
export function showWhatFits(card) {
  const format = formatOf(card).value;
  const way = one(card, "[name$='-aim']", HTMLSelectElement).value;
  for (const input of all(card, "[data-formats]", HTMLElement)) {
    const isMoot = Object.entries(WAYS).some(([of, names]) => of !== way && input.matches(names));
    const field = input.closest(".field");
    if (field instanceof HTMLElement) field.hidden = isMoot || !isFor(input, format);
    if (!(input instanceof HTMLInputElement)) continue;
    input.disabled = isMoot;
    if (input.dataset.defaults) input.placeholder = JSON.parse(input.dataset.defaults)[format] ?? "";
  }
  for (const group of all(card, "fieldset", HTMLFieldSetElement)) {
    group.hidden = !group.querySelector(".field:not([hidden])");
  }
}

/**
 * Show each error at its field. Returns errors without a field.
 * @param {ParentNode} card
 * @param {Record<string, string[]>} errors
 */
export function showErrors(card, errors) {
  /** @type {string[]} */
  const others = [];
  for (const [name, texts] of Object.entries(errors)) {
    const field = maybe(card, `[data-field="${name}"]`, HTMLElement);
    if (!field) {
      others.push(...texts);
      continue;
    }
    one(field, ".error", HTMLElement).textContent = texts.join(" ");
    field.querySelector("input, select")?.setAttribute("aria-invalid", "true");
    for (let fold = field.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
  }
  maybe(card, "[aria-invalid]", HTMLElement)?.focus();
  return others;
}

/** @param {ParentNode} card */
export function clearErrors(card) {
  for (const error of all(card, ".error", HTMLElement)) error.textContent = "";
  for (const input of all(card, "[aria-invalid]", HTMLElement)) input.removeAttribute("aria-invalid");
}

/**
 * The crop fields of the options.
 * @param {ParentNode} outputs
 */
export const cropFields = (outputs) => all(outputs, "[name*='-crop.']", HTMLInputElement);

/**
 * The focal point fields of the options.
 * @param {ParentNode} outputs
 */
export const pointFields = (outputs) => all(outputs, "[name*='-focal_point.']", HTMLInputElement);

/**
 * @param {ParentNode} outputs
 * @returns {import("./points.js").Point | null} the focal point of the first, if it has one
 */
export function typedPoint(outputs) {
  const [x, y] = pointFields(outputs).slice(0, 2).map((input) => input.value);
  return x && y ? { x: Number(x) / 100, y: Number(y) / 100 } : null;
}

/**
 * Whether an output is cropped to fill.
 * @param {ParentNode} card
 */
export const fillsSides = (card) => one(card, "[name$='-resize.mode']", HTMLSelectElement).value === "fill" && sidesOf(card).some(Boolean);

/**
 * @param {ParentNode} outputs
 * @returns {import("./crop_box.js").Box | null} the crop of the first, if it has one
 */
export function typedCrop(outputs) {
  const [x, y, width, height] = cropFields(outputs).slice(0, 4).map((input) => Number(input.value));
  return width && height ? { x, y, width, height } : null;
}
