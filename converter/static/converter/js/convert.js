// The convert page: shows, checks and summarises the chosen images. submit.js submits them.

import { maybe, showWhatNeedsScript } from "./dom.js";
import { extensionOf } from "./extensions.js";
import { addresses, inBatch, markShown, rows } from "./files.js";
import "./intake.js";
import { joined, showOrder } from "./join.js";
import "./matrix.js";
import { formatOf } from "./output.js";
import { cards, follow } from "./outputs.js";
import { changed, find, form, note, state } from "./page.js";
import "./shared.js";
import "./submit.js";
import { fetchMessages, language, say, sizeInWords, texts } from "./words.js";

const PHOTOS = (form.dataset.photos ?? "").split(" ");
const READ_ONLY = (form.dataset.photosReadOnly ?? "").split(" ");

// HEIC photos become JPEG, which every program opens, unless there are files in other formats, which may be transparent or animated.
function followImages() {
  const kinds = inBatch().map((image) => extensionOf(image).toLowerCase());
  if (!kinds.length) return;
  const isPhotos = kinds.every((kind) => [...PHOTOS, ...READ_ONLY].includes(kind)) && kinds.some((kind) => READ_ONLY.includes(kind));
  follow(isPhotos ? "jpeg" : null);
}

// Say on the main button what it will create.
function nameButton() {
  const count = inBatch().length + addresses().length;
  const options = cards().map((card) => formatOf(card).selectedOptions[0]);
  const formats = [...new Set(options.map(({ value, text }) => (value === "auto" ? texts.bestFormat : text)))];
  const list = formats.length > 3 ? say(texts.formats, { count: formats.length }) : new Intl.ListFormat(language).format(formats);
  const text = joined() ? texts.joinMany : count > 1 ? texts.convertMany : texts.convertOne;
  find("submit", HTMLElement).textContent = count ? say(text, { count, formats: list }) : texts.convert;
}

function summary() {
  const images = inBatch();
  const bad = rows.filter((row) => row.state === "bad").length;
  const size = sizeInWords(images.reduce((sum, image) => sum + image.size, 0));
  const good = images.length ? say(images.length === 1 ? texts.summaryOne : texts.summary, { count: images.length, size }) : "";
  return [good, bad ? say(texts.unusable, { count: bad }) : ""].filter(Boolean).join(" · ");
}

// Load the other scripts with the first image, so that the page opens faster.
let isRestHere = false;
/** @type {(() => import("./files.js").Image | null) | null} */
let updatePreview = null;

async function fetchRest() {
  if (isRestHere || !inBatch().length) return;
  isRestHere = true;
  fetchMessages();
  const [{ update }] = await Promise.all([import("./preview.js"), import("./crop_panel.js"), import("./point_panel.js"), import("./mark.js"), import("./ahead.js")]);
  updatePreview = update;
  changed();
}

function show() {
  if (state.batch) return;
  fetchRest();
  followImages();
  nameButton();
  showOrder();
  markShown(updatePreview?.() ?? null);
  note(summary());
}

form.addEventListener("convert:changed", show);
maybe(form, "#id_addresses", HTMLTextAreaElement)?.addEventListener("input", () => { nameButton(); showOrder(); });
const save = maybe(form, "[data-save]", HTMLDetailsElement);
save?.addEventListener("toggle", async () => {
  const make = find("save-make", HTMLButtonElement);
  make.disabled = true; // without a listener, a click would submit the whole form
  await import("./save.js").finally(() => { make.disabled = false; });
}, { once: true });
showWhatNeedsScript(form);
show();
if (sessionStorage.getItem("chosen")) import("./chosen.js").then(({ offer }) => offer());
