// The watermark on the preview: dragged to one of nine places, or moved there by keys. Its size and margin are those of the options.

import { copyOf, maybe, one } from "./dom.js";
import { cards, touchedIndex } from "./outputs.js";
import { find, form } from "./page.js";

const ACROSS = ["left", "", "right"];
const DOWN = ["top", "", "bottom"];
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LETTER = 0.55; // the width of a letter by its height

const section = find("try", HTMLElement);
const mark = copyOf("[data-mark-template]");

const card = () => cards()[touchedIndex()];

/** @param {string} name */
const field = (name) => one(card(), `[name$='-watermark.${name}']`, HTMLInputElement);
const position = () => one(card(), "[name$='-watermark.position']", HTMLSelectElement);

/** @type {(index: number) => number} */
const within = (index) => Math.max(0, Math.min(2, index));

/** The column and the row of the place that is chosen. */
function spot() {
  const words = position().value.split("_");
  return [ACROSS, DOWN].map((sides) => {
    const found = sides.findIndex((side) => side && words.includes(side));
    return found < 0 ? 1 : found;
  });
}

/**
 * @param {number} column
 * @param {number} row
 */
function choose(column, row) {
  position().value = [DOWN[within(row)], ACROSS[within(column)]].filter(Boolean).join("_") || "center";
  position().dispatchEvent(new Event("change", { bubbles: true }));
}

/** The height of the watermark by its width. */
function shape() {
  const logo = maybe(card(), "[data-logo] img", HTMLImageElement);
  if (field("image").value && logo?.naturalWidth) return logo.naturalHeight / logo.naturalWidth;
  return 1 / Math.max(1, field("text").value.length * LETTER);
}

/** Lay the mark where the watermark is, in parts of the picture; take it away where there is none. */
function place() {
  const frame = maybe(section, "[data-frame]", HTMLElement);
  const [width, height] = [Number(frame?.dataset.width), Number(frame?.dataset.height)];
  const isThere = (field("text").value || field("image").value) && !field("tile").checked;
  if (!frame || !width || !height || !isThere) {
    mark.remove();
    return;
  }
  if (mark.parentElement !== frame) frame.append(mark);
  const margin = (Number(field("margin").value) / 100) * Math.min(width, height);
  const wide = Math.min((Number(field("scale").value) / 100) * width, width - 2 * margin);
  const high = Math.min(wide * shape(), height - 2 * margin);
  const [column, row] = spot();
  mark.style.width = `${(wide / width) * 100}%`;
  mark.style.height = `${(high / height) * 100}%`;
  hang("left", "right", column, margin / width, wide / width);
  hang("top", "bottom", row, margin / height, high / height);
}

/**
 * From the near edge, so that a mark too small for a finger grows inwards.
 * @param {string} near
 * @param {string} far
 * @param {number} index of the column or row
 * @param {number} margin
 * @param {number} length
 */
function hang(near, far, index, margin, length) {
  const [edge, other] = index === 2 ? [far, near] : [near, far];
  mark.style.setProperty(edge, `${(index === 1 ? (1 - length) / 2 : margin) * 100}%`);
  mark.style.setProperty(other, "auto");
}

/** @type {{ x: number, y: number } | null} */
let drag = null;

mark.addEventListener("pointerdown", (event) => {
  event.stopPropagation(); // the line between original and result stays where it is
  if (event.button) return;
  drag = { x: event.clientX, y: event.clientY };
  mark.setPointerCapture(event.pointerId);
});
mark.addEventListener("pointermove", (event) => {
  event.stopPropagation();
  if (drag) mark.style.translate = `${event.clientX - drag.x}px ${event.clientY - drag.y}px`;
});
mark.addEventListener("pointerup", () => {
  if (!drag || !mark.parentElement) return;
  const [box, around] = [mark, mark.parentElement].map((element) => element.getBoundingClientRect());
  const [across, down] = [(box.x + box.width / 2 - around.x) / around.width, (box.y + box.height / 2 - around.y) / around.height];
  choose(Math.floor(across * 3), Math.floor(down * 3));
});
for (const type of ["pointerup", "pointercancel"]) {
  mark.addEventListener(type, () => {
    drag = null;
    mark.style.translate = "";
  });
}
mark.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const [column, row] = spot();
  choose(column + arrow[0], row + arrow[1]);
});
form.addEventListener("convert:changed", place);
section.addEventListener("compare:resized", place, { capture: true });
