// Shows what the options make of one image before all are converted: through the one-shot API, which keeps nothing.
// An image is {name, size} with its `file`, or, where it is on the server already, with its `upload` id and `thumbnail`.

import { startAll } from "./compare.js";

const WAIT = 500; // milliseconds after the last change
const SIDE = 1600; // longest side of the copy that stands for a file too large to be sent so
const PICTURE = { format: "webp", quality: 90, frames: "first", resize: { width: SIDE, height: SIDE } }; // of an original

export function trying({ form, texts, say, sizeInWords, told, chosen, recipe, post }) {
  const section = form.querySelector("[data-try]");
  const [note, view, bar, start] = ["note", "view", "bar", "start"].map((name) => section.querySelector(`[data-try-${name}]`));
  const most = Number(form.dataset.oneShot);
  const isDear = Boolean(navigator.connection?.saveData); // then only when asked
  let wanted = !isDear;
  let image = null; // in sight
  let sample = null; // what is sent for the file: {blob, share} with share the part of its pixels
  let running = false;
  let held = false; // while files are sent
  let timer = 0;
  let asked = ""; // what was shown or is being asked for
  let originals = {}; // addresses of the image in sight by the shape it is cut to; "" is the whole

  start.addEventListener("click", () => { wanted = true; start.hidden = true; run(); });

  // Called after every change of images and options; returns the image in sight.
  function changed() {
    if (held) return image;
    const next = chosen() ?? null;
    clearTimeout(timer);
    if (next !== image) {
      image = next;
      sample = null;
      asked = "";
      section.hidden = !image;
      start.hidden = !isDear;
      wanted = !isDear;
      tell("");
      view.replaceChildren();
      for (const address of Object.values(originals)) URL.revokeObjectURL(address);
      originals = {};
      if (image) showOriginal(image);
    }
    if (image && wanted) timer = setTimeout(run, WAIT);
    return image;
  }

  function hold(yes) {
    held = yes;
    clearTimeout(timer);
  }

  async function run() {
    if (running || held || !image) return; // whoever runs looks again when done
    const one = image;
    const options = recipe();
    const ask = JSON.stringify(options);
    if (ask === asked) return;
    running = true;
    asked = ask;
    bar.hidden = false;
    tell(texts.trying);
    const { said, problem } = await attempt(one, options, ask);
    running = false;
    bar.hidden = true;
    if (one !== image || ask !== JSON.stringify(recipe())) { run(); return; }
    tell(said ?? problem, Boolean(problem));
  }

  function tell(words, isBad = false) {
    note.textContent = words;
    note.classList.toggle("is-bad", isBad);
  }

  async function attempt(one, options, ask) {
    sample ??= await sampleOf(one);
    if (!sample || (sample.share < 1 && options.crop)) return { said: say(texts.tryTooLarge, { size: sizeInWords(most) }) };
    const { result, problem } = await convert(one, sample, ask);
    if (problem) return { problem };
    if (one !== image) return { said: "" };
    const pixels = await show(one, result, options);
    return { said: inWords(one, result, options, pixels) };
  }

  // Let the server make one result that nobody keeps: {result}, a blob, or {problem}, in words.
  async function convert(one, { blob = null }, ask) {
    const body = new FormData();
    if (blob) body.append("file", blob, one.name);
    else body.append("upload", one.upload);
    body.append("recipe", ask);
    body.append("keep", "false");
    const answer = await post(form.dataset.oneShotUrl, body);
    const result = await answer?.blob().catch(() => null);
    if (!result) return { problem: texts.offline };
    return answer.status === 200 ? { result } : { problem: reason(await problemOf(result)) };
  }

  function reason(said) {
    if (said.code === "not_in_time") return texts.tryFailed;
    return said.code === "unavailable" || !said.code ? texts.tryAway : told(said);
  }

  function inWords(one, result, options, pixels) {
    const exact = sample.share === 1;
    let after = result.size;
    if (!exact && pixels) after *= Math.max(1, pixelsOf(sample, options) / pixels);
    if (options.target_bytes) after = Math.min(after, options.target_bytes);
    const percent = Math.min(Math.round(100 - (100 * after) / one.size), 99);
    const change = say(percent >= 0 ? texts.smaller : texts.larger, { percent: Math.abs(percent) });
    return say(exact ? texts.tried : texts.triedAbout, { before: sizeInWords(one.size), after: sizeInWords(after), change });
  }

  async function showOriginal(one) {
    const element = document.importNode(document.querySelector("[data-try-template]").content.firstElementChild, true);
    const before = element.querySelector("[data-before]");
    const address = one.file ? URL.createObjectURL(one.file) : one.thumbnail;
    const isShown = Boolean(address) && (await decoded(before, address));
    if (one !== image) return;
    if (isShown) originals[""] = address;
    if (isShown) resize(element, ...sizeOf(one, before));
    else blind(element, true);
    element.classList.toggle("is-alone", !isShown); // what is left is the result
    element.querySelector("[data-before] + figcaption").append(` · ${sizeInWords(one.size)}`);
    view.replaceChildren(element);
    startAll(element);
    if (wanted && !(isShown && one.file)) await fetchOriginal(one, element, before);
  }

  // A picture of what browsers cannot show, or have no more of than a thumbnail.
  async function fetchOriginal(one, element, before) {
    const copy = await sampleOf(one);
    const { result } = copy ? await convert(one, copy, JSON.stringify(PICTURE)) : {};
    if (!result || one !== image) return;
    originals[""] = URL.createObjectURL(result);
    if (element.dataset.shape) return; // it shows a part of it
    if (!(await putBefore(element, originals[""])) || one !== image) return;
    if (!element.classList.contains("is-tried")) resize(element, before.naturalWidth, before.naturalHeight);
  }

  async function putBefore(element, address) {
    if (!(await decoded(element.querySelector("[data-before]"), address))) return false;
    if (element.classList.contains("is-alone")) blind(element, false);
    element.classList.remove("is-alone");
    return true;
  }

  // Cut the original as the result is, so that they lie on each other and neither is squeezed.
  async function cut(one, element, options, width, height) {
    const shape = shapeOf(options, width, height);
    const key = shape ? JSON.stringify(shape) : "";
    if (key && !originals[key]) {
      const { result } = await convert(one, sample, JSON.stringify({ ...PICTURE, ...shape }));
      if (!result || one !== image) return;
      originals[key] = URL.createObjectURL(result);
    }
    if (key === (element.dataset.shape ?? "") || !originals[key]) return;
    element.dataset.shape = key;
    await putBefore(element, originals[key]);
  }

  // A thumbnail stands where the whole picture will.
  function sizeOf(one, before) {
    const [width, height] = [before.naturalWidth, before.naturalHeight];
    const times = one.file ? 1 : Math.max(1, Math.min(SIDE, one.side) / Math.max(width, height));
    return [Math.round(width * times), Math.round(height * times)];
  }

  // Put the result beside the original; returns its pixels, or nothing where browsers do not show its format.
  async function show(one, result, options) {
    const element = view.firstElementChild;
    const after = element?.querySelector(".compare-after img");
    if (!after) return null;
    const address = URL.createObjectURL(result);
    const probe = new Image();
    const isShown = await decoded(probe, address);
    element.classList.toggle("is-tried", isShown);
    if (element.classList.contains("is-alone")) blind(element, !isShown);
    if (!isShown) return null;
    await cut(one, element, options, probe.naturalWidth, probe.naturalHeight);
    if (one !== image) return null;
    URL.revokeObjectURL(after.src);
    after.src = address;
    element.querySelector(".compare-after figcaption span").textContent = sample.share === 1 ? ` · ${sizeInWords(result.size)}` : "";
    resize(element, probe.naturalWidth, probe.naturalHeight);
    return probe.naturalWidth * probe.naturalHeight;
  }

  function blind(element, yes) {
    element.querySelector(".try-none").hidden = !yes;
    element.querySelector("[data-view]").hidden = yes;
  }

  function resize(element, width, height) {
    const frame = element.querySelector("[data-frame]");
    [frame.dataset.width, frame.dataset.height] = [width, height];
    for (const one of frame.querySelectorAll("img")) [one.width, one.height] = [width, height];
    element.dispatchEvent(new Event("compare:resized"));
  }

  async function sampleOf({ file, size }) {
    if (!file) return { share: 1 }; // it is there
    if (size <= most) return { blob: file, share: 1 };
    const whole = await createImageBitmap(file).catch(() => null);
    if (!whole) return null;
    const share = Math.min(1, SIDE / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(whole.width * share), Math.round(whole.height * share)];
    canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, file.type === "image/png" ? "image/png" : "image/jpeg", 0.95); });
    return blob && blob.size <= most ? { blob, share: share ** 2 * 0.9999, width: whole.width, height: whole.height } : null;
  }

  return { changed, hold };
}

/**
 * What the recipe does to the shape of a picture, as a recipe; nothing where the whole of it is seen as it is.
 * @param {Record<string, any>} recipe
 * @param {number} width
 * @param {number} height
 */
function shapeOf({ crop, rotate, flip, background, resize = {} }, width, height) {
  const isCut = ["fill", "pad"].includes(resize.mode);
  if (!crop && !rotate && !flip && !isCut) return null;
  const shape = JSON.parse(JSON.stringify({ crop, rotate, flip }));
  if (!isCut) return shape;
  const { mode, gravity } = resize;
  return JSON.parse(JSON.stringify({ ...shape, background: mode === "pad" ? background : undefined, resize: { mode, gravity, width, height, enlarge: true } }));
}

/**
 * How many pixels the result of the whole file will have.
 * @param {{width?: number, height?: number}} whole
 * @param {{resize?: {scale?: number, width?: number, height?: number}}} recipe
 */
function pixelsOf({ width, height }, { resize = {} }) {
  const scale = resize.scale ? resize.scale / 100 : Math.min((resize.width ?? width) / width, (resize.height ?? height) / height, 1);
  return width * height * scale ** 2;
}

function decoded(image, address) {
  image.src = address;
  return image.decode().then(() => true, () => false);
}

async function problemOf(blob) {
  try { return JSON.parse(await blob.text()); } catch { return {}; }
}
