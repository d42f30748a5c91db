// Overlays original and result of one image in the preview.

import { startAll } from "./compare.js";
import { copyOf, one } from "./dom.js";
import { decoded, measure, sizeOfWhole } from "./picture.js";
import { SIDE, sampleOf } from "./sample.js";
import { convertOnce } from "./server.js";
import { shapeOf } from "./shape.js";
import { sizeInWords } from "./words.js";

const ORIGINAL = { format: "webp", quality: 90, frames: "first", resize: { width: SIDE, height: SIDE } };

export class Comparison {
  /**
   * @param {import("./files.js").Image} image
   * @param {HTMLElement} place
   */
  constructor(image, place) {
    this.image = image;
    this.place = place;
    this.element = copyOf("[data-try-template]");
    this.before = one(this.element, "[data-before]", HTMLImageElement);
    this.after = one(this.element, ".compare-after img", HTMLImageElement);
    this.shape = ""; // the shape to which the displayed original is cropped
    /** @type {Record<string, string>} */
    this.originals = {}; // URLs by shape; "" is the whole image
    this.isClosed = false;
    this.opened = Promise.resolve();
  }

  /** The URL of the whole original, once there is one. */
  async whole() {
    await this.opened;
    return this.originals[""] ?? null;
  }

  close() {
    this.isClosed = true;
    for (const address of [...Object.values(this.originals), this.after.src]) URL.revokeObjectURL(address);
  }

  /** @param {boolean} mayAsk whether missing images may be requested from the server */
  async open(mayAsk) {
    const { image, element, before } = this;
    const own = "file" in image;
    const address = own ? URL.createObjectURL(image.file) : image.thumbnail;
    const isShown = address !== undefined && (await decoded(before, address));
    if (this.isClosed) return;
    if (address && isShown) this.originals[""] = address;
    if (isShown) this.resize(...sizeOfWhole(image, before));
    else this.blind(true);
    element.classList.toggle("is-alone", !isShown); // only the result is left
    one(element, "[data-before] + figcaption", HTMLElement).append(` · ${sizeInWords(image.size)}`);
    this.place.replaceChildren(element);
    startAll(element);
    if (mayAsk && !(isShown && own)) await this.fetchOriginal();
  }

  // Get the original from the server if the browser cannot show it or only has a thumbnail.
  async fetchOriginal() {
    const sample = await sampleOf(this.image, ORIGINAL);
    const { result, report } = sample ? await convertOnce(sample.source, ORIGINAL) : {};
    if (!result || this.isClosed) return;
    this.originals[""] = URL.createObjectURL(result);
    if (!this.image.pixels) await measure(this.image, this.originals[""], report);
    if (this.shape) return; // a cropped original is already shown
    if (!(await this.putBefore("")) || this.isClosed) return;
    if (!this.element.classList.contains("is-tried")) this.resize(this.before.naturalWidth, this.before.naturalHeight);
  }

  /** @param {string} shape */
  async putBefore(shape) {
    this.shape = shape;
    if (!(await decoded(this.before, this.originals[shape]))) return false;
    if (this.element.classList.contains("is-alone")) this.blind(false);
    this.element.classList.remove("is-alone");
    return true;
  }

  // Crop the original like the result, so that they align without distortion.
  /**
   * @param {import("./sample.js").Sample} sample
   * @param {Record<string, any> | null} shape
   */
  async cut(sample, shape) {
    const key = shape ? JSON.stringify(shape) : "";
    if (key && !this.originals[key]) {
      const { result } = await convertOnce(sample.source, { ...ORIGINAL, ...shape });
      if (!result || this.isClosed) return;
      this.originals[key] = URL.createObjectURL(result);
    }
    if (key !== this.shape && this.originals[key]) await this.putBefore(key);
  }

  /**
   * Show the result with the original. Returns its size in pixels, or nothing if the browser cannot show its format.
   * @param {Blob} result
   * @param {import("./sample.js").Sample} sample
   * @param {Record<string, any>} recipe
   */
  async show(result, sample, recipe) {
    const { element, after } = this;
    const address = URL.createObjectURL(result);
    const probe = new Image();
    const isShown = await decoded(probe, address);
    element.classList.toggle("is-tried", isShown);
    if (element.classList.contains("is-alone")) this.blind(!isShown);
    const { naturalWidth: width, naturalHeight: height } = probe;
    if (isShown) await this.cut(sample, shapeOf(recipe, width, height));
    if (!isShown || this.isClosed) {
      URL.revokeObjectURL(address);
      return null;
    }
    URL.revokeObjectURL(after.src);
    after.src = address;
    one(element, ".compare-after figcaption span", HTMLElement).textContent = sample.whole ? "" : ` · ${sizeInWords(result.size)}`;
    this.resize(width, height);
    return width * height;
  }

  /** @param {boolean} yes */
  blind(yes) {
    one(this.element, ".try-none", HTMLElement).hidden = !yes;
    one(this.element, "[data-view]", HTMLElement).hidden = yes;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const frame = one(this.element, "[data-frame]", HTMLElement);
    Object.assign(frame.dataset, { width, height });
    for (const image of [this.before, this.after]) Object.assign(image, { width, height });
    this.element.dispatchEvent(new Event("compare:resized"));
  }
}
