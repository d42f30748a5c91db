// The list of outputs: adds, removes and loads them, and numbers them without gaps, as the server requires.

import { all, around, copyOf, one } from "./dom.js";
import { watchColors } from "./colors.js";
import { watchLogos } from "./logo_thumb.js";
import { takeLogo } from "./logos.js";
import { formatOf, showWhatFits, sidesOf, summaryOf } from "./output.js";
import { changed, find, form, limits } from "./page.js";
import { watchPresets } from "./presets.js";
import { say, texts } from "./words.js";

const NUMBERED = ["id", "name", "for", "aria-describedby", "aria-labelledby"];
const list = find("outputs", HTMLElement);

/** `isFree`: the user has not chosen a format, so it follows the images. */
const choice = { isFree: "free" in form.dataset, touched: /** @type {HTMLElement | null} */ (null) };

export const cards = () => all(list, "[data-output]", HTMLElement);

/** The index of the output that was changed last. */
export const touchedIndex = () => Math.max(0, choice.touched ? cards().indexOf(choice.touched) : 0);

/**
 * The size of the output that was changed last, if both sides are given.
 * @returns {{ width: number, height: number } | null}
 */
export function outputSize() {
  const card = cards()[touchedIndex()];
  const [width, height] = sidesOf(card).map(Number);
  return width && height ? { width, height } : null;
}

/**
 * Set the first output to this format, or its default, unless the user has chosen a format.
 * @param {string | null} format
 */
export function follow(format) {
  if (!choice.isFree) return;
  const select = formatOf(cards()[0]);
  select.value = format ?? usual(select)?.value ?? select.value;
  showWhatFits(cards()[0]);
}

/** @param {HTMLSelectElement} select */
const usual = (select) => [...select.options].find((option) => option.defaultSelected);

function number() {
  cards().forEach((card, index) => {
    for (const element of [card, ...all(card, "*", Element)]) {
      for (const name of NUMBERED) {
        const value = element.getAttribute(name);
        if (value) element.setAttribute(name, value.replaceAll(/outputs-(\d+|__prefix__)-/g, `outputs-${index}-`));
      }
    }
    const title = say(texts.output, { number: index + 1 });
    one(card, "[data-output-title]", HTMLElement).textContent = title;
    one(card, "[data-output-says]", HTMLElement).textContent = summaryOf(card);
    const remove = one(card, "[data-remove-output]", HTMLButtonElement);
    remove.setAttribute("aria-label", say(texts.remove, { name: title }));
    remove.value = String(index);
    remove.hidden = cards().length === 1;
  });
  if (cards().length === 1) one(cards()[0], "[data-output-fold]", HTMLDetailsElement).open = true; // its head is not shown
  one(form, "[name$='-TOTAL_FORMS']", HTMLInputElement).value = String(cards().length);
  find("add-output", HTMLElement).hidden = cards().length >= limits.outputs;
  find("straight", HTMLElement).hidden = cards().length > 1;
}

function add() {
  choice.isFree = false;
  const used = cards().map((card) => formatOf(card).value);
  const card = copyOf("[data-output-template]");
  one(card, "[data-output-fold]", HTMLDetailsElement).open = true;
  list.append(card);
  const select = formatOf(card);
  const unused = [...select.options].find(({ value }) => value !== "auto" && !used.includes(value));
  if (unused) select.value = unused.value;
  number();
  showWhatFits(card);
  select.focus();
  changed();
}

/** @param {HTMLElement} card */
function remove(card) {
  card.remove();
  number();
  find("add-output", HTMLElement).focus();
  changed();
}

/**
 * Replace the outputs by those of another page.
 * @param {Element} others
 */
export function replaceOutputs(others) {
  list.replaceChildren(...others.children);
  for (const other of find("recipes", HTMLElement).children) other.removeAttribute("aria-current");
  choice.touched = null;
  choice.isFree = false;
  cards().forEach(showWhatFits);
  number();
  changed();
}

for (const watch of [watchPresets, watchColors, watchLogos]) watch(list);
list.addEventListener("change", async (event) => {
  const card = around(event, "[data-output]", HTMLElement);
  if (!card) return;
  const file = around(event, "[type=file]", HTMLInputElement);
  if (file) await takeLogo(file);
  showWhatFits(card);
  number();
  choice.touched = card;
  choice.isFree = false;
  changed();
});
list.addEventListener("click", (event) => {
  const button = around(event, "[data-remove-output]", HTMLButtonElement);
  const card = button?.closest("[data-output]");
  if (!(card instanceof HTMLElement)) return;
  event.preventDefault();
  remove(card);
});
find("add-output", HTMLElement).addEventListener("click", (event) => {
  event.preventDefault();
  add();
});
cards().forEach(showWhatFits);
number();
// A browser may restore form values when the page is reloaded.
if (!formatOf(cards()[0]).selectedOptions[0].defaultSelected) choice.isFree = false;
