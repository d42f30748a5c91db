// Formats × widths: makes many outputs at once.

import { all, one } from "./dom.js";
import { takeFrom } from "./outputs.js";
import { find, limits } from "./page.js";
import { say, texts } from "./words.js";

const section = find("matrix", HTMLDetailsElement);
const make = one(section, "[data-matrix-make]", HTMLButtonElement);
const widths = one(section, "[name=widths]", HTMLInputElement);

const formats = () => all(section, "[name=formats]", HTMLInputElement).filter((box) => box.checked).map((box) => box.value);
const wanted = () => new Set(widths.value.split(/[\s,;]+/).filter(Boolean));

/** The button says how many outputs there will be. */
function count() {
  const number = formats().length * wanted().size;
  make.textContent = say(texts.makeOutputs, { count: number });
  make.disabled = number < 1 || number > limits.outputs || [...wanted()].some((width) => !/^[1-9]\d{0,4}$/.test(width));
}

make.addEventListener("click", async (event) => {
  event.preventDefault();
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
