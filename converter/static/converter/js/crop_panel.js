// Manual crops on the preview: opens and closes the cropper, and handles its ratios, numbers and scope.

import { largest, reshaped, whole } from "./crop_box.js";
import { cropOf, crops } from "./crops.js";
import { showNumbers, watchNumbers } from "./crop_numbers.js";
import { offerRatio, ratio, wantedRatio } from "./crop_ratio.js";
import { one } from "./dom.js";
import { inBatch, shown } from "./files.js";
import { cropFields, typedCrop } from "./output.js";
import { changed, find, form, state } from "./page.js";
import { wholeOf } from "./preview.js";
import { say, texts } from "./words.js";

/** @typedef {import("./crop_box.js").Box} Box */

const section = find("try", HTMLElement);
const tools = one(section, "[data-crop-tools]", HTMLElement);
const start = one(section, "[data-crop-start]", HTMLButtonElement);
const forAll = one(tools, "[data-crop-all]", HTMLInputElement);
const outputs = find("outputs", HTMLElement);

/** @type {import("./cropper.js").Cropper | null} */
let cropper = null;
/** @type {import("./files.js").Image | null} */
let image = null; // the image being cropped
/** @type {import("./files.js").Image | null} */
let asked = null; // the image to show next, once it is loaded
let undo = () => {}; // restores the state from before the cropper was opened

/** @param {Box} box */
function take(box) {
  if (!image?.pixels) return;
  showNumbers(box);
  // The number fields of the form are another way to crop: the last one used wins.
  for (const input of cropFields(outputs)) input.value = "";
  crops.set(image, { box, size: image.pixels, ratio: wantedRatio() }, forAll.checked);
}

/** @returns {Promise<boolean>} whether there is an image to crop */
async function open() {
  const wanted = shown();
  asked = wanted;
  const [{ Cropper }, src] = await Promise.all([import("./cropper.js"), wanted && wholeOf(wanted)]); // loaded when needed
  if (!wanted?.pixels || !src || wanted !== shown() || tools.hidden) return false;
  image = wanted;
  cropper?.close();
  cropper = new Cropper(src, wanted.pixels, take);
  section.classList.add("is-cropping");
  find("try-view", HTMLElement).append(cropper.element);
  cropper.fit();
  cropper.ratio = wantedRatio();
  const box = cropOf(image) ?? typedCrop(outputs) ?? largest(cropper.ratio, wanted.pixels);
  cropper.show(box);
  showNumbers(cropper.box);
  return true;
}

function begin() {
  state.cropping = true;
  const [undoBoxes, typed] = [crops.undo(), cropFields(outputs).map((input) => input.value)];
  undo = () => {
    undoBoxes();
    cropFields(outputs).forEach((input, index) => { input.value = typed[index]; });
  };
  const own = shown();
  offerRatio(own !== null && !cropOf(own));
  tools.hidden = false;
  start.hidden = true;
  open().then((isOpen) => {
    if (isOpen) focus();
    else if (!tools.hidden && asked === own) end(); // unless it was closed meanwhile or shows another image
  });
}

// Scroll the tools into view, also on a phone.
function focus() {
  cropper?.area.focus({ preventScroll: true });
  const { top, bottom } = section.getBoundingClientRect();
  if (top < 0 || bottom > one(form, ".convert-go", HTMLElement).getBoundingClientRect().top) section.scrollIntoView();
}

function end() {
  state.cropping = false;
  cropper?.close();
  cropper = null;
  section.classList.remove("is-cropping");
  tools.hidden = true;
  start.hidden = false;
  start.focus();
  changed();
}

/** Show on the button whether the image is cropped; hide it if the image cannot be cropped. */
function follow() {
  const now = shown();
  const box = now && cropOf(now);
  start.textContent = box ? say(texts.cropped, { width: box.width, height: box.height }) : texts.crop;
  start.disabled = !now?.pixels;
  one(tools, "[data-crop-all-label]", HTMLElement).hidden = inBatch().length < 2;
  if (tools.hidden) return;
  if (!now || state.busy) end();
  else if (now !== asked && now.pixels) open();
}

start.addEventListener("click", begin);
one(tools, "[data-crop-done]", HTMLElement).addEventListener("click", () => {
  // An unchanged box counts too: the box of a fixed ratio is a crop.
  if (cropper && ratio.value) take(cropper.box);
  end();
});
one(tools, "[data-crop-clear]", HTMLElement).addEventListener("click", () => {
  if (!image?.pixels) return;
  ratio.value = "";
  if (forAll.checked) crops.clear();
  else crops.set(image, { box: { x: 0, y: 0, ...image.pixels }, size: image.pixels, ratio: null }, false);
  end();
});
const cancel = () => { undo(); end(); };
one(tools, "[data-crop-cancel]", HTMLElement).addEventListener("click", cancel);
section.addEventListener("keydown", (event) => { if (event.key === "Escape" && !tools.hidden) cancel(); });
ratio.addEventListener("change", () => {
  if (!cropper) return;
  cropper.ratio = wantedRatio();
  const { box, size } = cropper;
  const isWhole = box.width === size.width && box.height === size.height;
  cropper.take(isWhole ? largest(cropper.ratio, size) : reshaped(box, cropper.ratio, size));
});
forAll.addEventListener("change", () => { if (cropper) take(cropper.box); });
watchNumbers((name, value) => {
  if (!cropper) return;
  const box = whole({ ...cropper.box, [name]: value }, cropper.size);
  if (["width", "height"].includes(name)) {
    ratio.value = ""; // a typed number is exact
    cropper.ratio = null;
  }
  cropper.take(box);
});
form.addEventListener("change", (event) => {
  if (event.target instanceof HTMLElement && event.target.matches("[name*='-crop.']")) crops.clear();
});
for (const event of ["convert:changed", "convert:measured"]) form.addEventListener(event, follow);
start.hidden = false;
