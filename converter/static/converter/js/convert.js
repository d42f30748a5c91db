// The page on which images come in: choose, check, send each by its own form, then go to the batch.

import { reader } from "./messages.js";
import { clearProblems, readRecipe, showProblem, showWhatFits } from "./options.js";
import { poster } from "./post.js";
import { trying } from "./try.js";
import { Expired, Refused, send, Stopped } from "./upload.js";

const AT_ONCE = 4;
const HEIC = ["heic", "heif", "hif"];
const JPEG = ["jpg", "jpeg", "jpe", "jfif"];
const FORM_LIFE = 4 * 60_000; // milliseconds; a form is good for five minutes from when it was made to when the sending begins
const form = document.querySelector("[data-convert]");
const texts = JSON.parse(document.getElementById("texts").textContent);
const limits = { bytes: Number(form.dataset.maxBytes), files: Number(form.dataset.maxFiles), outputs: Number(form.dataset.maxOutputs) };
const find = (name) => form.querySelector(`[data-${name}]`);
const post = poster(form);
const say = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const message = reader(JSON.parse(document.getElementById("message-templates").textContent), document.documentElement.lang);
// What the API says, in the language of the page; what this page does not know, in English.
const told = (said) => message(said) ?? said.detail ?? texts.refused;
const extensions = form.querySelector("#id_images").accept.split(",");

let touched = null; // the output that was changed last
let isFree = "free" in form.dataset; // nobody has chosen the format: it follows the images
let shown = null; // the image that was asked to be shown; else the first
const trial = trying({
  form, texts, say, sizeInWords, post, told,
  chosen: () => { const images = inBatch(); return images.includes(shown) ? shown : images[0]; },
  recipe: () => readRecipe(cards().includes(touched) ? touched : cards()[0]),
});
// What was sent before and is to be converted again.
const here = [...form.querySelectorAll("[data-upload]")].map((box) => ({
  box, name: box.closest("li").querySelector(".file-name").textContent, size: Number(box.dataset.size), side: Number(box.dataset.side), upload: box.value,
  thumbnail: box.closest("li").querySelector("img")?.src,
}));
let rows = []; // {file, name, size, element, state: ready|bad|waiting|sending|sent|failed|out, upload, stop, share}
let busy = false;
let batch = "";
let asked = {}; // {text, key} of the wish that was sent last

for (const element of form.querySelectorAll("[data-needs-script]")) element.hidden = false;

// --- Files -------------------------------------------------------------------------------------------------

function sizeInWords(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), 3);
  const value = count / 1000 ** step;
  const digits = step && value < 10 ? 1 : 0;
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "unit", unit: units[step], minimumFractionDigits: digits, maximumFractionDigits: digits, unitDisplay: step ? "short" : "long" };
  return new Intl.NumberFormat(document.documentElement.lang, options).format(value).replace("kB", "KB");
}

function problemOf(file) {
  if (!file.size) return texts.empty;
  if (file.size > limits.bytes) return say(texts.tooLarge, { size: sizeInWords(limits.bytes) });
  const extension = `.${file.name.split(".").pop().toLowerCase()}`;
  // Only what says that it is something else is refused here; the server looks into the file.
  if (file.type && !file.type.startsWith("image/") && !extensions.includes(extension)) return texts.notAnImage;
  if (rows.some((row) => row.state !== "bad" && row.file.name === file.name && row.file.size === file.size && row.file.lastModified === file.lastModified)) return texts.twice;
  return "";
}

function add(files) {
  if (busy || batch) return;
  for (const file of files) {
    const good = rows.filter((row) => row.state !== "bad").length;
    if (good >= limits.files) {
      find("refusal").textContent = say(texts.tooMany, { count: limits.files });
      find("refusal").hidden = false;
      break;
    }
    const row = { file, name: file.name, size: file.size, element: rowElement(file), state: "ready", share: 0, stop: null, upload: null };
    const problem = problemOf(file);
    rows.push(row);
    find("rows").append(row.element);
    set(row, problem ? "bad" : "ready", problem || sizeInWords(file.size));
  }
  summarise();
}

function rowElement(file) {
  const element = document.importNode(document.querySelector("[data-row-template]").content.firstElementChild, true);
  element.querySelector(".file-name").textContent = file.name;
  element.querySelector(".file-name").title = file.name;
  element.querySelector("progress").setAttribute("aria-label", file.name);
  const show = element.querySelector("[data-show]");
  show.setAttribute("aria-label", say(texts.show, { name: file.name }));
  show.addEventListener("click", () => { shown = rows.find((one) => one.element === element); summarise(); });
  const remove = element.querySelector("[data-remove]");
  remove.setAttribute("aria-label", say(texts.remove, { name: file.name }));
  remove.addEventListener("click", () => takeOut(element));
  const resume = element.querySelector("[data-resume]");
  resume.setAttribute("aria-label", say(texts.resume, { name: file.name }));
  resume.addEventListener("click", () => resumeOne(element));
  const image = element.querySelector("img");
  const named = () => { show.dataset.kind = file.name.includes(".") ? file.name.split(".").pop().slice(0, 4).toUpperCase() : "?"; };
  if (file.type.startsWith("image/") && file.size && file.size < 30e6) {
    image.src = URL.createObjectURL(file);
    image.onload = () => { image.hidden = false; URL.revokeObjectURL(image.src); };
    image.onerror = () => { URL.revokeObjectURL(image.src); named(); };
  } else {
    named();
  }
  return element;
}

function set(row, state, note) {
  row.state = state;
  row.element.querySelector(".file-note").textContent = note;
  row.element.classList.toggle("is-bad", state === "bad" || state === "failed");
  row.element.classList.toggle("is-sent", state === "sent");
  row.element.classList.toggle("is-out", state === "out");
  row.element.querySelector("[data-resume]").hidden = state !== "failed";
  row.element.querySelector("[data-remove]").hidden = ["sent", "out"].includes(state) || (state === "failed" && batch);
  const bar = row.element.querySelector("progress");
  bar.hidden = !["waiting", "sending"].includes(state);
  bar.value = row.share * 100;
  const verb = ["waiting", "sending"].includes(state) ? texts.cancel : texts.remove;
  row.element.querySelector("[data-remove]").setAttribute("aria-label", say(verb, { name: row.file.name }));
}

function takeOut(element) {
  const row = rows.find((one) => one.element === element);
  if (busy || batch) {
    row.stop?.abort();
    set(row, "out", texts.cancelled);
    return;
  }
  const next = element.nextElementSibling ?? element.previousElementSibling;
  rows = rows.filter((one) => one !== row);
  element.remove();
  (next?.querySelector("[data-remove]") ?? form.querySelector("#id_images")).focus();
  summarise();
}

const ready = () => rows.filter((row) => row.state === "ready");
const addresses = () => (form.querySelector("#id_addresses")?.value ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
const kept = () => here.filter(({ box }) => box.checked);
const inBatch = () => [...kept(), ...ready()];
const kindOf = ({ name }) => name.split(".").pop().toLowerCase();

// Photos that came as HEIC become JPEG, which every program opens. Any other kind among them may be transparent or move.
function followImages(images) {
  if (!isFree || !images.length) return;
  const isPhotos = images.every((one) => [...HEIC, ...JPEG].includes(kindOf(one))) && images.some((one) => HEIC.includes(kindOf(one)));
  const select = cards()[0].querySelector("[name$='-format']");
  const usual = [...select.options].find((option) => option.defaultSelected).value;
  select.value = isPhotos ? "jpeg" : usual;
  showWhatFits(cards()[0]);
}

// The main button says what it will make.
function nameButton() {
  if (batch) return;
  const count = inBatch().length + addresses().length;
  const selects = cards().map((card) => card.querySelector("[name$='-format']").selectedOptions[0]);
  const formats = [...new Set(selects.map((option) => (option.value === "auto" ? texts.bestFormat : option.textContent)))];
  const list = formats.length > 3 ? say(texts.formats, { count: formats.length }) : new Intl.ListFormat(document.documentElement.lang).format(formats);
  const text = count > 1 ? texts.convertMany : texts.convertOne;
  find("submit").textContent = count ? say(text, { count, formats: list }) : texts.convert;
}

function summarise() {
  const images = inBatch();
  followImages(images);
  nameButton();
  form.classList.toggle("has-files", rows.length + here.length > 0);
  const inSight = trial.changed();
  for (const row of rows) row.element.classList.toggle("is-shown", rows.length + here.length > 1 && row === inSight);
  for (const one of here) one.box.closest("li").classList.toggle("is-shown", rows.length + here.length > 1 && one === inSight);
  const size = sizeInWords(images.reduce((sum, image) => sum + image.size, 0));
  find("go-note").textContent = images.length ? say(images.length === 1 ? texts.summaryOne : texts.summary, { count: images.length, size }) : "";
}

for (const one of here) {
  const show = document.createElement("button");
  const thumb = one.box.closest("li").querySelector(".file-thumb");
  Object.assign(show, { type: "button", className: thumb.className });
  show.setAttribute("aria-label", say(texts.show, { name: one.name }));
  show.append(...thumb.childNodes);
  thumb.replaceWith(show);
  show.addEventListener("click", () => { shown = one; summarise(); });
}

for (const input of form.querySelectorAll("#id_images, [data-folder], [data-camera]")) {
  input.addEventListener("change", () => { add(input.files); input.value = ""; });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) { event.preventDefault(); add(files); }
});
let over = 0;
const drag = (change) => () => { over += change; find("drop").classList.toggle("is-over", over > 0); };
document.addEventListener("dragenter", drag(1));
document.addEventListener("dragleave", drag(-1));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  over = 0;
  find("drop").classList.remove("is-over");
  // Entries must be taken before the first await: the list is empty afterwards.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.some((entry) => entry.isDirectory)) {
    for (const entry of entries) add(await filesIn(entry));
  } else {
    add(event.dataTransfer.files);
  }
});

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found.filter((file) => !file.name.startsWith("."));
    for (const child of some) found.push(...(await filesIn(child)));
  }
}

// --- Outputs -----------------------------------------------------------------------------------------------

const cards = () => [...form.querySelectorAll("[data-outputs] [data-output]")];

function addOutput() {
  isFree = false;
  const html = form.querySelector("[data-output-template]").innerHTML.replaceAll("__prefix__", nextNumber++);
  find("outputs").insertAdjacentHTML("beforeend", html);
  const card = cards().at(-1);
  const used = cards().slice(0, -1).map((one) => one.querySelector("[name$='-format']").value);
  const select = card.querySelector("[name$='-format']");
  select.value = [...select.options].map((option) => option.value).find((value) => value !== "auto" && !used.includes(value)) ?? select.value;
  number();
  showWhatFits(card);
  select.focus();
}

function number() {
  cards().forEach((card, index) => {
    card.querySelector("[data-output-title]").textContent = say(texts.output, { number: index + 1 });
    card.querySelector("[data-remove-output]").hidden = cards().length === 1;
  });
  find("add-output").hidden = cards().length >= limits.outputs;
  nameButton();
}

let nextNumber = cards().length;
find("add-output").addEventListener("click", (event) => { event.preventDefault(); addOutput(); });
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove-output]");
  if (!button) return;
  event.preventDefault();
  button.closest("[data-output]").remove();
  number();
  find("add-output").focus();
});
form.addEventListener("change", async (event) => {
  if (event.target.matches("[data-upload], [data-all]")) summarise();
  const card = event.target.closest("[data-output]");
  if (!card) return;
  showWhatFits(card);
  touched = card;
  isFree = false;
  nameButton();
  if (event.target.type !== "file") trial.changed();
  if (event.target.matches("[type=file][data-part=watermark]")) await keepWatermark(card, event.target);
});
// A recipe changes the outputs; the images that were chosen stay.
find("recipes").addEventListener("click", async (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await fetch(link.href).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const outputs = page?.querySelector("[data-outputs]");
  if (!outputs) { location.assign(link.href); return; }
  find("outputs").replaceChildren(...outputs.children);
  for (const other of find("recipes").children) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  touched = null;
  isFree = false;
  nextNumber = cards().length;
  cards().forEach(showWhatFits);
  number();
  trial.changed();
});
cards().forEach(showWhatFits);
// A browser may fill in what was chosen before the page was loaded again.
if (!cards()[0]?.querySelector("[name$='-format']").selectedOptions[0].defaultSelected) isFree = false;
number();
form.querySelector("#id_addresses")?.addEventListener("input", nameButton);

async function keepWatermark(card, input) {
  const target = card.querySelector("[data-path='watermark.image']");
  target.value = "";
  if (!input.files.length) return;
  const body = new FormData();
  body.append("file", input.files[0]);
  const answer = await ask(form.dataset.watermark, body);
  const said = await answer?.json().catch(() => null);
  if (answer?.status === 201) target.value = said.id;
  input.closest(".field").querySelector(".error").textContent = target.value ? "" : (said?.detail ?? texts.offline);
}

// --- Sending -----------------------------------------------------------------------------------------------

function ask(url, body, more = {}) {
  const json = !(body instanceof FormData);
  const headers = { Accept: "application/json", ...more };
  if (json) headers["Content-Type"] = "application/json";
  return post(url, json ? JSON.stringify(body) : body, headers);
}

function refuse(text) {
  find("refusal").textContent = text;
  find("refusal").hidden = false;
  find("refusal").scrollIntoView({ block: "center" });
  working(false);
}

function working(yes) {
  busy = yes;
  find("submit").disabled = yes;
  find("stop").hidden = !yes || !batch;
  find("progress").hidden = !yes;
  trial.hold(yes || Boolean(batch));
}

form.addEventListener("submit", async (event) => {
  if (event.submitter && !event.submitter.matches("[data-submit]")) return;
  event.preventDefault();
  if (busy) return;
  if (batch) { await sendAll(rows.filter((row) => row.state === "failed")); return; }
  find("refusal").hidden = true;
  cards().forEach(clearProblems);
  const files = ready();
  if (!files.length && !kept().length && !addresses().length) {
    refuse(texts.noFiles);
    form.querySelector("#id_images").focus();
    return;
  }
  working(true);
  const wanted = {
    files: [...files.map(({ file }) => ({ name: file.name, size: file.size })), ...addresses().map((url) => ({ url }))],
    uploads: kept().map(({ upload }) => upload),
    outputs: cards().map(readRecipe),
  };
  const answer = await ask(form.dataset.batches, wanted, { "Idempotency-Key": keyOf(wanted) });
  if (answer?.status !== 201) { await explain(answer, files); return; }
  const made = await answer.json();
  batch = form.dataset.batch.replace("00000000-0000-0000-0000-000000000000", made.id);
  const forms = made.uploads.filter((upload) => upload.form);
  files.forEach((row, index) => { row.upload = forms[index]; row.since = performance.now(); });
  for (const box of form.querySelectorAll("[data-upload], #id_images, [data-folder], [data-camera]")) box.disabled = true;
  await sendAll(files);
});

// The same key for the same wish: where only the answer was lost, the second press makes no second batch.
function keyOf(wanted) {
  const text = JSON.stringify(wanted);
  if (text !== asked.text) asked = { text, key: `${Date.now()}-${Math.random()}` };
  return asked.key;
}

async function explain(answer, files) {
  const said = await answer?.json().catch(() => null);
  if (!answer) { refuse(texts.offline); return; }
  if (answer.status === 401 || answer.status === 403) { refuse(texts.loggedOut); return; }
  const errors = said?.errors ?? [];
  let placed = 0;
  for (const error of errors) {
    const [, list, index, ...path] = (error.pointer ?? "").split("/");
    const detail = told(error);
    if (list === "outputs" && cards()[index] && showProblem(cards()[index], path.join("."), detail)) placed += 1;
    if (list === "files" && files[index]) { set(files[index], "bad", detail); placed += 1; }
  }
  refuse(placed || !said?.code ? texts.refused : told(said));
}

async function sendAll(some) {
  working(true);
  for (const row of some) { row.share = 0; set(row, "waiting", texts.waiting); }
  showTotal();
  const queue = [...some];
  const lane = async () => { for (let row = queue.shift(); row; row = queue.shift()) await sendOne(row); };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  working(false);
  done();
}

async function sendOne(row, isSecondTry = false) {
  if (row.state === "out") return;
  const problem = performance.now() - row.since > FORM_LIFE ? await renew(row) : "";
  if (row.state === "out") return;
  if (problem) { set(row, "failed", problem); showTotal(); return; }
  row.stop = new AbortController();
  try {
    await send(row.upload.form, row.file, {
      signal: row.stop.signal,
      progress: (share) => {
        row.share = share;
        set(row, "sending", say(texts.sending, { percent: Math.round(share * 100) }));
        showTotal();
      },
    });
    row.share = 1;
    set(row, "sent", texts.sent);
  } catch (error) {
    if (error instanceof Stopped) return;
    let reason = texts.failed;
    if (error instanceof Expired) {
      reason = isSecondTry ? texts.expired : await renew(row);
      if (!reason) { await sendOne(row, true); return; }
    } else if (error instanceof Refused) {
      reason = told(error.problem);
    }
    if (row.state !== "out") set(row, "failed", reason);
  }
  showTotal();
}

// A form works for some minutes only: who waited longer, or tries again, needs a new one. Returns why there is none.
async function renew(row) {
  const answer = await ask(`${form.dataset.uploads}${row.upload.id}/form`, {});
  if (answer?.status === 200) {
    row.upload.form = await answer.json();
    row.since = performance.now();
    return "";
  }
  if (answer?.status === 401 || answer?.status === 403) return texts.loggedOutSending;
  const said = await answer?.json().catch(() => null);
  return said?.code ? told(said) : texts.failed;
}

async function resumeOne(element) {
  const row = rows.find((one) => one.element === element);
  const alone = !busy;
  working(true);
  row.share = 0;
  set(row, "waiting", texts.waiting);
  const problem = await renew(row);
  if (problem) set(row, "failed", problem);
  else await sendOne(row, true);
  if (alone) { working(false); done(); }
}

function showTotal() {
  const sent = rows.filter((row) => row.upload && row.state !== "out");
  const bytes = sent.reduce((sum, row) => sum + row.file.size, 0);
  const gone = sent.reduce((sum, row) => sum + row.file.size * row.share, 0);
  find("progress").value = bytes ? (gone / bytes) * 100 : 100;
  find("go-note").textContent = sent.length ? say(texts.progress, { done: sent.filter((row) => row.state === "sent").length, count: sent.length }) : "";
}

function done() {
  const failed = rows.filter((row) => row.state === "failed");
  if (!failed.length) { location.assign(batch); return; }
  find("go-note").textContent = texts.someFailed;
  find("submit").textContent = texts.sendAgain;
  failed[0].element.scrollIntoView({ block: "nearest" });
  find("go-on").href = batch;
  find("go-on").hidden = false;
}

find("stop").addEventListener("click", async () => {
  for (const row of rows) {
    row.stop?.abort();
    if (["waiting", "sending"].includes(row.state)) set(row, "out", texts.cancelled);
  }
  await ask(`${batch}cancel/`, new FormData());
  busy = false;
  location.assign(batch);
});

window.addEventListener("online", () => {
  const failed = rows.filter((row) => row.state === "failed");
  if (batch && !busy && failed.length) sendAll(failed);
});
// Who comes back from the batch by the browser's memory finds a form that was sent: begin anew.
window.addEventListener("pageshow", (event) => { if (event.persisted && batch) location.reload(); });
window.addEventListener("beforeunload", (event) => { if (busy) event.preventDefault(); });
summarise();
