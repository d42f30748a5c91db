// The images to convert: files chosen here, and images that are already on the server.

import { all, around, maybe, one } from "./dom.js";
import { extensionOf, kindOf } from "./extensions.js";
import { keptBy } from "./kept.js";
import { changed, find, form, limits, refuse, state } from "./page.js";
import { nameMoves, Row } from "./row.js";
import { say, sizeInWords, texts } from "./words.js";

/**
 * @typedef {import("./crop_box.js").Size} Size
 * @typedef {import("./kept.js").Kept} Kept
 * @typedef {Row | Kept} Image
 */

const choose = one(form, "#id_images", HTMLInputElement);
const extensions = choose.accept.split(",");

/** @type {Row[]} */
export const rows = [];

// Earlier uploads that are converted again.
const here = all(form, "[data-upload]", HTMLInputElement).map((box) => keptBy(box));

/** @type {Image | null} */
let wanted = null; // the selected image; otherwise the first one is shown

export const ready = () => rows.filter((row) => row.state === "ready");
export const failed = () => rows.filter((row) => row.state === "failed");
export const kept = () => here.filter(({ box }) => box.checked);
export const inBatch = () => [...kept(), ...ready()];
export const addresses = () => (maybe(form, "#id_addresses", HTMLTextAreaElement)?.value ?? "").split("\n").map((line) => line.trim()).filter(Boolean);

/** Sort the images in the order of the lists on the page. */
export function arrange() {
  /**
   * @param {Image} one
   * @param {Image} other
   */
  const asShown = (one, other) => (one.element.compareDocumentPosition(other.element) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  rows.sort(asShown);
  here.sort(asShown);
}

/** @param {Event} event */
export const rowOf = (event) => rows.find(({ element }) => element.contains(/** @type {Node} */ (event.target)));

/** The image that the preview shows. */
export function shown() {
  const images = inBatch();
  return images.find((image) => image === wanted) ?? images[0] ?? null;
}

/** @param {object | null} inSight */
export function markShown(inSight) {
  const images = [...here, ...rows];
  form.classList.toggle("has-files", images.length > 0);
  for (const image of images) image.element.classList.toggle("is-shown", images.length > 1 && image === inSight);
}

/**
 * @param {File} file
 * @param {string} path
 */
function problemOf(file, path) {
  if (!file.size) return texts.empty;
  if (file.size > limits.bytes) return say(texts.tooLarge, { size: sizeInWords(limits.bytes) });
  // Refuse only files whose type or name says that they are no images; the server checks the content.
  const isKnown = extensions.includes(`.${extensionOf(file).toLowerCase()}`);
  if (file.type && !file.type.startsWith("image/") && !isKnown) return texts.notAnImage;
  /** @param {Row} row */
  const isSame = (row) => row.path === path && ["size", "lastModified"].every((part) => Reflect.get(row.file, part) === Reflect.get(file, part));
  return rows.some((row) => row.state !== "bad" && isSame(row)) ? texts.twice : "";
}

/**
 * @param {Iterable<File>} files
 * @param {(file: File) => string} [pathOf]
 */
export function add(files, pathOf = (file) => file.webkitRelativePath || file.name) {
  if (state.busy || state.batch) return;
  const all = [...files];
  for (const [index, file] of all.entries()) {
    if (ready().length >= limits.files) {
      refuse(say(texts.tooMany, { count: limits.files, left: all.length - index }));
      break;
    }
    const problem = problemOf(file, pathOf(file));
    const row = new Row(file, pathOf(file));
    rows.push(row);
    find("rows", HTMLElement).append(row.element);
    row.set(problem ? "bad" : "ready", problem || row.about);
  }
  changed();
}

/** @param {Row} row */
function takeOut(row) {
  if (state.busy || state.batch) {
    row.stop?.abort();
    row.set("out", texts.cancelled);
    return;
  }
  const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
  rows.splice(rows.indexOf(row), 1);
  row.forget();
  row.element.remove();
  ((next && maybe(next, "[data-remove]", HTMLElement)) ?? choose).focus();
  changed();
}

/** @param {Image} image */
function show(image) {
  wanted = image;
  changed();
}

find("rows", HTMLElement).addEventListener("click", (event) => {
  const row = rowOf(event);
  if (row && around(event, "[data-remove]", HTMLElement)) takeOut(row);
  if (row && around(event, "[data-show]", HTMLElement)) show(row);
});
for (const image of here) {
  const thumb = one(image.element, ".file-thumb", HTMLElement);
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: thumb.className });
  button.setAttribute("aria-label", say(texts.show, { name: image.name }));
  button.append(...thumb.childNodes);
  if (!image.thumbnail) button.dataset.kind = kindOf(image);
  thumb.replaceWith(button);
  button.addEventListener("click", () => show(image));
  nameMoves(image);
}
form.addEventListener("change", (event) => {
  if (around(event, "[data-upload], [data-all]", HTMLInputElement)) changed();
});
