// One chosen file as a row of the list, until it is sent.

import { copyOf, moveBefore, one } from "./dom.js";
import { kindOf } from "./extensions.js";
import { form, measured, state } from "./page.js";
import { forgetUpload } from "./server.js";
import { plainName, say, sizeInWords, texts } from "./words.js";

const LARGE = 2e6; // bytes; smaller files are uploaded before a progress bar would be seen
const DRAWING = "image/svg+xml"; // browsers can show it, but the site cannot read it
const THUMBNAILED = 30e6; // bytes; larger files take too long to draw

/** @typedef {"ready" | "bad" | "waiting" | "sending" | "sent" | "failed" | "out"} RowState */

export class Row {
  /**
   * @param {File} file
   * @param {string} path including the chosen folders
   */
  constructor(file, path) {
    this.file = file;
    this.path = path;
    this.name = plainName(file.name);
    this.size = file.size;
    /** @type {import("./crop_box.js").Size | null} */
    this.pixels = null; // of the upright image
    /** @type {RowState} */
    this.state = "ready";
    this.share = 0; // fraction of the bytes sent
    /** @type {AbortController | null} */
    this.stop = null;
    /** @type {{ id: string, form: import("./server.js").UploadForm } | null} */
    this.target = null; // where to send the file
    this.since = 0; // when the upload form was made
    this.announced = 0; // when the file was announced to the site
    /** @type {Promise<string> | null} */
    this.arrival = null; // the pending or finished upload; resolves to the reason of a failure
    this.isHere = false; // whether the site has the file
    this.hasFailed = false; // whether uploading ahead has failed
    this.isUnseen = false; // whether the browser cannot show it and the site has not checked it yet
    this.element = copyOf("[data-row-template]");
    this.show = one(this.element, "[data-show]", HTMLButtonElement);
    this.remove = one(this.element, "[data-remove]", HTMLButtonElement);
    this.resume = one(this.element, "[data-resume]", HTMLButtonElement);
    this.bar = one(this.element, "progress", HTMLProgressElement);
    const title = one(this.element, ".file-name", HTMLElement);
    title.textContent = this.name;
    title.title = plainName(path);
    this.bar.setAttribute("aria-label", this.name);
    this.show.setAttribute("aria-label", say(texts.show, { name: this.name }));
    this.resume.setAttribute("aria-label", say(texts.resume, { name: this.name }));
    nameMoves(this);
    this.drawThumbnail();
  }

  drawThumbnail() {
    const { file, show } = this;
    const image = one(show, "img", HTMLImageElement);
    const named = () => { show.dataset.kind = kindOf(file); };
    const unseen = async () => {
      named();
      const { dimensionsOf } = await import("./dimensions.js"); // loaded when needed
      const size = await dimensionsOf(file);
      if (size) this.measure(size);
      this.isUnseen = true;
      measured();
    };
    if (!file.type.startsWith("image/") || file.type === DRAWING || !file.size || file.size >= THUMBNAILED) {
      unseen();
      return;
    }
    image.src = URL.createObjectURL(file);
    image.onload = () => {
      image.hidden = false;
      URL.revokeObjectURL(image.src);
      this.measure({ width: image.naturalWidth, height: image.naturalHeight });
    };
    image.onerror = () => { URL.revokeObjectURL(image.src); unseen(); };
  }

  /** @param {import("./crop_box.js").Size} size */
  measure(size) {
    this.pixels = size;
    if (this.state === "ready") this.set("ready", this.about);
    measured();
  }

  get about() {
    const size = sizeInWords(this.size);
    return this.pixels ? `${this.pixels.width}×${this.pixels.height} · ${size}` : size;
  }

  /**
   * @param {RowState} next
   * @param {string} note
   */
  set(next, note) {
    this.state = next;
    one(this.element, ".file-note", HTMLElement).textContent = note;
    const isBad = ["bad", "failed"].includes(next);
    if (isBad && !this.element.classList.contains("is-bad")) this.moveUp();
    this.element.classList.toggle("is-bad", isBad);
    this.element.classList.toggle("is-sent", next === "sent");
    this.element.classList.toggle("is-out", next === "out");
    const isUnderWay = ["waiting", "sending"].includes(next);
    this.bar.hidden = !isUnderWay;
    this.bar.value = this.share * 100;
    this.resume.hidden = next !== "failed";
    this.remove.hidden = ["sent", "out"].includes(next) || (next === "failed" && state.batch !== "");
    this.remove.setAttribute("aria-label", say(isUnderWay ? texts.cancel : texts.remove, { name: this.name }));
  }

  // Show what needs attention first, but leave the order of a document alone.
  moveUp() {
    const first = this.element.parentElement?.querySelector(".file-row:not(.is-bad)");
    if (first && !form.classList.contains("is-joined")) moveBefore(first, this.element);
  }

  /** @param {NonNullable<Row["target"]>} target */
  announce(target) {
    this.stop?.abort(); // its bytes belong to the previous upload
    Object.assign(this, { target, since: performance.now(), announced: Date.now(), arrival: null, isHere: false, hasFailed: false });
  }

  // Discard an upload that belongs to no batch.
  forget() {
    this.stop?.abort();
    if (this.target) forgetUpload(this.target.id);
    this.target = null;
  }

  showAhead() {
    this.bar.value = this.share * 100;
    this.bar.hidden = this.share === 1 || this.size < LARGE;
  }

  wait() {
    if (!this.arrival) this.share = 0;
    this.set("waiting", texts.waiting);
  }
}

/** @param {{ name: string, element: HTMLElement }} image */
export function nameMoves({ name, element }) {
  one(element, "[data-move='-1']", HTMLElement).setAttribute("aria-label", say(texts.moveUp, { name }));
  one(element, "[data-move='1']", HTMLElement).setAttribute("aria-label", say(texts.moveDown, { name }));
}
