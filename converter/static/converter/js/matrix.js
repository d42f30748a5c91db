// Formats × widths: makes many outputs at once.

import { all, one } from "./dom.js";
import { find, limits } from "./page.js";
import { takeFrom } from "./settings.js";
import { say, texts } from "./words.js";

const section = find("matrix", HTMLDetailsElement);
const make = one(section, "[data-matrix-make]", HTMLButtonElement);
const widths = one(section, "[name=widths]", HTMLInputElement);
const error = one(section, "[data-field=widths] .error", HTMLElement);
const LONGEST = 65_535; // the server's limit

const formats = () => all(section, "[name=formats]", HTMLInputElement).filter((box) => box.checked).map((box) => box.value);
const wanted = () => new Set(widths.value.split(/[\s,;]+/).filter(Boolean));

const number = () => formats().length * wanted().size;

/** Show on the button how many outputs there will be. */
function count() {
  make.textContent = say(texts.makeOutputs, { count: number() });
  tell(null, "");
}

/** @param {string} width */
const isWidth = (width) => /^[1-9]\d{0,4}$/.test(width) && Number(width) <= LONGEST;

/**
 * @param {HTMLInputElement | null} input
 * @param {string} text
 */
function tell(input, text) {
  error.textContent = text;
  for (const each of all(section, "[aria-invalid]", HTMLElement)) each.removeAttribute("aria-invalid");
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
}

/** Show what is invalid, if anything. */
function isRefused() {
  if (!formats().length) tell(one(section, "[name=formats]", HTMLInputElement), texts.noFormat);
  else if (!wanted().size || ![...wanted()].every(isWidth)) tell(widths, texts.badWidths);
  else if (number() > limits.outputs) tell(widths, say(texts.tooManyOutputs, { most: limits.outputs, count: number() }));
  else return false;
  return true;
}

make.addEventListener("click", async (event) => {
  event.preventDefault();
  if (isRefused()) return;
  const asked = new URLSearchParams([...formats().map((format) => ["formats", format]), ["widths", [...wanted()].join(",")]]);
  if (await takeFrom(`?${asked}`)) section.open = false;
});
section.addEventListener("input", (event) => {
  event.stopPropagation();
  count();
});
section.addEventListener("change", (event) => event.stopPropagation());
section.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target !== widths) return;
  event.preventDefault();
  make.click();
});
count();
