// A picture with a box on it that is moved and resized: by mouse, by touch, or by keys.

import { ARROWS } from "./arrows.js";
import { around, copyOf, one } from "./dom.js";
import { fit } from "./fit.js";
import { dragged, moved, whole } from "./crop_box.js";

/**
 * @typedef {import("./crop_box.js").Box} Box
 * @typedef {import("./crop_box.js").Size} Size
 */

const FAR = 10; // pixels, with Shift

export class Cropper {
  /**
   * @param {string} src
   * @param {Size} size of the picture itself, which may be larger than what is shown of it
   * @param {(box: Box) => void} changed
   */
  constructor(src, size, changed) {
    this.size = size;
    this.changed = changed;
    /** @type {number | null} */
    this.ratio = null;
    /** @type {Box} */
    this.box = { x: 0, y: 0, ...size };
    this.element = copyOf("[data-crop-template]");
    this.frame = one(this.element, "[data-crop-frame]", HTMLElement);
    this.area = one(this.element, "[data-crop-box]", HTMLElement);
    this.hole = one(this.element, "[data-crop-hole]", HTMLElement); // in the shade
    const image = one(this.element, "img", HTMLImageElement);
    Object.assign(image, { src, width: size.width, height: size.height });
    this.watchPointer();
    this.area.addEventListener("keydown", (event) => this.nudge(event));
    this.resized = () => this.fit();
    window.addEventListener("resize", this.resized);
  }

  close() {
    window.removeEventListener("resize", this.resized);
    this.element.remove();
  }

  fit() {
    fit(this.frame, this.element, this.size);
  }

  /** @param {Box} box */
  show(box) {
    this.box = whole(box, this.size);
    const { width, height } = this.size;
    const parts = { left: this.box.x / width, top: this.box.y / height, width: this.box.width / width, height: this.box.height / height };
    for (const [side, part] of Object.entries(parts)) {
      for (const element of [this.area, this.hole]) element.style.setProperty(side, `${part * 100}%`);
    }
  }

  /** @param {Box} box */
  take(box) {
    this.show(box);
    this.changed(this.box);
  }

  watchPointer() {
    /** @type {{ handle: string, box: Box, x: number, y: number } | null} */
    let drag = null;
    this.area.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const handle = around(event, "[data-handle]", HTMLElement)?.dataset.handle ?? "";
      drag = { handle, box: this.box, x: event.clientX, y: event.clientY };
      this.area.setPointerCapture(event.pointerId);
    });
    this.area.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const scale = this.size.width / this.frame.clientWidth;
      const [dx, dy] = [(event.clientX - drag.x) * scale, (event.clientY - drag.y) * scale];
      this.take(drag.handle ? dragged(drag.box, drag.handle, dx, dy, this.size, this.ratio) : moved(drag.box, dx, dy, this.size));
    });
    for (const type of ["pointerup", "pointercancel"]) this.area.addEventListener(type, () => { drag = null; });
    this.frame.addEventListener("dragstart", (event) => event.preventDefault());
  }

  // Arrows move the box by a pixel, with Shift by ten; + and - resize it.
  /** @param {KeyboardEvent} event */
  nudge(event) {
    const step = event.shiftKey ? FAR : 1;
    const arrow = ARROWS[event.key];
    if (arrow) this.take(moved(this.box, arrow[0] * step, arrow[1] * step, this.size));
    else if (["+", "-"].includes(event.key)) this.take(this.grown(event.key === "+" ? FAR : -FAR));
    else return;
    event.preventDefault();
  }

  /**
   * The box with a longer width around the same middle.
   * @param {number} by pixels
   */
  grown(by) {
    const { box, size } = this;
    const width = Math.max(1, Math.min(box.width + by, size.width, (size.height * box.width) / box.height));
    const height = (width * box.height) / box.width;
    return moved({ x: box.x - (width - box.width) / 2, y: box.y - (height - box.height) / 2, width, height }, 0, 0, size);
  }
}
