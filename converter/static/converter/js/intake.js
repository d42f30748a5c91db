// The ways to add files: choosing, pasting and dropping. A folder adds all its files.

import { all } from "./dom.js";
import { add } from "./files.js";
import { find, form } from "./page.js";

/** @type {WeakMap<File, string>} */
const paths = new WeakMap(); // paths of files in dropped folders

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesIn(entry) {
  if (entry instanceof FileSystemFileEntry) {
    /** @type {File} */
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    paths.set(file, entry.fullPath.slice(1));
    return [file];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  /** @type {File[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found.filter((file) => !file.name.startsWith("."));
    for (const child of some) found.push(...(await filesIn(child)));
  }
}

/** @param {DataTransfer} dropped */
async function take(dropped) {
  // Entries must be taken before the first await: the list is empty afterwards.
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.some((entry) => entry.isDirectory)) {
    add(dropped.files);
    return;
  }
  for (const entry of entries) add(await filesIn(entry), (file) => paths.get(file) ?? file.name);
}

/** @param {HTMLInputElement} input */
function empty(input) {
  add(input.files ?? []);
  input.value = "";
}

for (const input of all(form, "#id_images, [data-folder], [data-camera]", HTMLInputElement)) {
  input.addEventListener("change", () => empty(input));
  if (input.files?.length) empty(input); // chosen before this script was loaded
}

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  add(files);
});

let depth = 0; // number of nested elements under the dragged files
/** @param {number} next */
function drag(next) {
  depth = next;
  find("drop", HTMLElement).classList.toggle("is-over", depth > 0);
}
/** @param {DragEvent} event */
const brings = (event) => event.dataTransfer?.types.includes("Files") ?? false;
document.addEventListener("dragenter", (event) => { if (brings(event)) drag(depth + 1); });
document.addEventListener("dragleave", (event) => { if (brings(event)) drag(depth - 1); });
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drag(0);
  if (event.dataTransfer && brings(event)) take(event.dataTransfer);
});
