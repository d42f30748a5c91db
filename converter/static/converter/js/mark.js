// The watermark on the preview, moved to one of nine positions by dragging or keys. Its size and margin come from the options.

import { ARROWS } from "./arrows.js";
import { copyOf, maybe, one } from "./dom.js";
import { watchDrag } from "./drag.js";
import { cards, touchedIndex } from "./outputs.js";
import { find, form } from "./page.js";

const ACROSS = ["left", "", "right"];
const DOWN = ["top", "", "bottom"];
const LETTER = 0.55; // ratio of a letter's width to its height

const section = find("try", HTMLElement);
const mark = copyOf("[data-mark-template]");

const card = () => cards()[touchedIndex()];

/** @param {string} name */
const field = (name) => one(card(), `[name$='-watermark.${name}']`, HTMLInputElement);
const position = () => one(card(), "[name$='-watermark.position']", HTMLSelectElement);

/** @type {(index: number) => number} */
const within = (index) => Math.max(0, Math.min(2, index));

/** The column and row of the chosen position. */
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

/** The ratio of the watermark's height to its width. */
function shape() {
  const logo = maybe(card(), "[data-logo] img", HTMLImageElement);
  if (field("image").value && logo?.naturalWidth) return logo.naturalHeight / logo.naturalWidth;
  return 1 / Math.max(1, field("text").value.length * LETTER);
}

let seenAt = ""; // the position for which the watermark was last revealed

/** Move the line between original and result away from the watermark, once per position. */
function reveal() {
  if (seenAt === position().value) return;
  seenAt = position().value;
  const range = maybe(section, "[data-range]", HTMLInputElement);
  const [box, around] = [mark, mark.parentElement ?? section].map((element) => element.getBoundingClientRect());
  const left = ((box.x - around.x) / around.width) * 100;
  if (!range || left >= Number(range.value)) return;
  range.value = String(Math.floor(left));
  range.dispatchEvent(new Event("input"));
}

/** Show the whole result with the watermark that is being dragged. */
function lift() {
  const logo = maybe(card(), "[data-logo] img", HTMLImageElement);
  mark.textContent = field("image").value ? "" : field("text").value;
  mark.style.backgroundImage = field("image").value && logo ? `url("${logo.src}")` : "";
  mark.parentElement?.style.setProperty("--split", "0%");
}

function drop() {
  const range = maybe(section, "[data-range]", HTMLInputElement);
  mark.textContent = mark.style.backgroundImage = mark.style.translate = "";
  mark.parentElement?.style.setProperty("--split", `${range?.value ?? 0}%`);
}

/** Place the mark over the watermark, in fractions of the image, or hide it if there is none. */
function place() {
  const frame = maybe(section, "[data-frame]", HTMLElement);
  const [width, height] = [Number(frame?.dataset.width), Number(frame?.dataset.height)];
  const isThere = (field("text").value || field("image").value) && !field("tile").checked;
  if (!frame || !width || !height || !isThere) {
    mark.remove();
    seenAt = "";
    return;
  }
  if (mark.parentElement !== frame) {
    frame.append(mark);
    seenAt = "";
  }
  const margin = (Number(field("margin").value) / 100) * Math.min(width, height);
  const wide = Math.min((Number(field("scale").value) / 100) * width, width - 2 * margin);
  const high = Math.min(wide * shape(), height - 2 * margin);
  const [column, row] = spot();
  mark.style.width = `${(wide / width) * 100}%`;
  mark.style.height = `${(high / height) * 100}%`;
  hang("left", "right", column, margin / width, wide / width);
  hang("top", "bottom", row, margin / height, high / height);
  if (mark.checkVisibility()) reveal();
}

/**
 * Position from the near edge, so that a mark enlarged for touch grows inwards.
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

/** @param {PointerEvent} event */
function letGo(event) {
  if (event.type === "pointercancel" || !mark.parentElement) {
    drop();
    return;
  }
  const [box, around] = [mark, mark.parentElement].map((element) => element.getBoundingClientRect());
  const [across, down] = [(box.x + box.width / 2 - around.x) / around.width, (box.y + box.height / 2 - around.y) / around.height];
  drop();
  choose(Math.floor(across * 3), Math.floor(down * 3));
}

mark.addEventListener("pointerdown", (event) => event.stopPropagation()); // do not move the line between original and result
watchDrag(
  mark,
  (start) => {
    lift();
    return (now) => { mark.style.translate = `${now.clientX - start.clientX}px ${now.clientY - start.clientY}px`; };
  },
  letGo,
);
mark.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const [column, row] = spot();
  choose(column + arrow[0], row + arrow[1]);
});
form.addEventListener("convert:changed", place);
section.addEventListener("compare:resized", place, { capture: true });
