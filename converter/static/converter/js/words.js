// The texts of the convert page, in its language.

import { one } from "./dom.js";
import { reader } from "./messages.js";
import { address } from "./page.js";

/** @param {string} id */
const json = (id) => JSON.parse(one(document, `#${id}`, HTMLScriptElement).text);

export const language = document.documentElement.lang;

/** @type {Record<string, string>} */
export const texts = json("texts");

let message = reader({}, language);
/** @type {Promise<void> | null} */
let fetching = null;

/** Load the templates of the API's error messages: they are needed only when something is sent. */
export function fetchMessages() {
  fetching ??= fetch(address("messages")).then(async (answer) => { message = reader(await answer.json(), language); }, () => { fetching = null; });
  return fetching;
}

/**
 * Return the message of an API error; in English if this page has no template for it.
 * @param {{ code: string, params?: Record<string, any>, detail?: string }} said
 */
export const told = (said) => message(said) ?? said.detail ?? texts.refused;

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/**
 * Return a file's name without direction marks, which can disguise it. The site stores it without them too.
 * @param {string} name
 */
export const plainName = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

/** @param {number} bytes */
export function sizeInWords(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 3);
  const value = bytes / 1000 ** step;
  const digits = step && value < 10 ? 1 : 0;
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "unit", unit: units[step], minimumFractionDigits: digits, maximumFractionDigits: digits, unitDisplay: step ? "short" : "long" };
  return new Intl.NumberFormat(language, options).format(value).replace("kB", "KB");
}
