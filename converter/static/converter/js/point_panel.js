// Lets the user set focal points on the preview, if an output uses the fill mode.

import { one } from "./dom.js";
import { inBatch, shown } from "./files.js";
import { fillsSides, pointFields, typedPoint } from "./output.js";
import { cards } from "./outputs.js";
import { changed, find, form, state } from "./page.js";
import { points } from "./points.js";
import { wholeOf } from "./preview.js";
import { say, texts } from "./words.js";

/** @typedef {import("./points.js").Point} Point */

const MIDDLE = { x: 0.5, y: 0.5 };
const section = find("try", HTMLElement);
const tools = one(section, "[data-point-tools]", HTMLElement);
const start = one(section, "[data-point-start]", HTMLButtonElement);
const place = one(tools, "[data-point-place]", HTMLElement);
const forAll = one(tools, "[data-point-all]", HTMLInputElement);
const outputs = find("outputs", HTMLElement);

/** @type {import("./point_picker.js").PointPicker | null} */
let picker = null;
/** @type {import("./files.js").Image | null} */
let image = null; // whose focal point is being set
/** @type {import("./files.js").Image | null} */
let asked = null; // to be shown next, once it is loaded
let undo = () => {}; // restores the state before the picker was opened

/** @param {Point} point */
const inPercent = ({ x, y }) => say(texts.pointAt, { x: Math.round(x * 100), y: Math.round(y * 100) });

/** @param {Point} point */
function take(point) {
  if (!image) return;
  place.textContent = inPercent(point);
  // The number fields are another way to set the point: the last one used wins.
  for (const input of pointFields(outputs)) input.value = "";
  points.set(image, point, forAll.checked);
}

/** @returns {Promise<boolean>} whether there is an image to set the point on */
async function open() {
  const wanted = shown();
  asked = wanted;
  const [{ PointPicker }, src] = await Promise.all([import("./point_picker.js"), wanted && wholeOf(wanted)]); // loaded when needed
  if (!wanted?.pixels || !src || wanted !== shown() || tools.hidden) return false;
  image = wanted;
  picker?.close();
  picker = new PointPicker(src, wanted.pixels, points.of(wanted) ?? typedPoint(outputs) ?? MIDDLE, take);
  section.classList.add("is-cropping");
  find("try-view", HTMLElement).append(picker.element);
  picker.fit();
  place.textContent = inPercent(picker.point);
  return true;
}

async function begin() {
  state.cropping = true;
  const [undoOwn, typed] = [points.undo(), pointFields(outputs).map((input) => input.value)];
  undo = () => {
    undoOwn();
    pointFields(outputs).forEach((input, index) => { input.value = typed[index]; });
  };
  tools.hidden = false;
  if (!(await open())) {
    giveUp();
    return;
  }
  picker?.dot.focus({ preventScroll: true });
  section.scrollIntoView({ block: "nearest" });
}

function end() {
  state.cropping = false;
  picker?.close();
  picker = null;
  section.classList.remove("is-cropping");
  tools.hidden = true;
  start.focus();
  changed();
}

// Close if there is no image to show, unless closed in the meantime.
function giveUp() {
  if (!tools.hidden) end();
}

/** Show the current point on the button, and the button only if an output uses the fill mode. */
function follow() {
  const now = shown();
  const point = now && points.of(now);
  start.textContent = point ? inPercent(point) : texts.point;
  start.hidden = !cards().some(fillsSides);
  start.disabled = !now?.pixels;
  one(tools, "[data-point-all-label]", HTMLElement).hidden = inBatch().length < 2;
  if (tools.hidden) return;
  if (!now || state.busy || start.hidden) end();
  else if (now !== asked) open().then((isOpen) => { if (!isOpen && now === asked) giveUp(); });
}

start.addEventListener("click", begin);
one(tools, "[data-point-done]", HTMLElement).addEventListener("click", () => {
  if (picker) take(picker.point);
  end();
});
one(tools, "[data-point-clear]", HTMLElement).addEventListener("click", () => {
  for (const input of pointFields(outputs)) input.value = "";
  if (forAll.checked) points.clear();
  else if (image) points.set(image, null, false);
  end();
});
const cancel = () => { undo(); end(); };
one(tools, "[data-point-cancel]", HTMLElement).addEventListener("click", cancel);
section.addEventListener("keydown", (event) => { if (event.key === "Escape" && !tools.hidden) cancel(); });
forAll.addEventListener("change", () => { if (picker) take(picker.point); });
form.addEventListener("change", (event) => {
  if (event.target instanceof HTMLElement && event.target.matches("[name*='-focal_point.'], [name$='-resize.gravity']")) points.clear();
});
for (const event of ["convert:changed", "convert:measured"]) form.addEventListener(event, follow);
follow();
