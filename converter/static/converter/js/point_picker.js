// A picture with a point on it that is set by a click, dragged, or moved by keys.

import { ARROWS } from "./arrows.js";
import { copyOf, one } from "./dom.js";
import { fit } from "./fit.js";

/** @typedef {import("./points.js").Point} Point */

const STEP = 0.01;
const FAR = 0.1; // with Shift
const EXACT = 10_000; // places in a side

/** @param {number} value */
const within = (value) => Math.round(Math.max(0, Math.min(1, value)) * EXACT) / EXACT;

export class PointPicker {
  /**
   * @param {string} src
   * @param {import("./crop_box.js").Size} size
   * @param {Point} point
   * @param {(point: Point) => void} changed
   */
  constructor(src, size, point, changed) {
    this.size = size;
    this.changed = changed;
    this.element = copyOf("[data-point-template]");
    this.frame = one(this.element, "[data-point-frame]", HTMLElement);
    this.dot = one(this.element, "[data-point-dot]", HTMLButtonElement);
    Object.assign(one(this.element, "img", HTMLImageElement), { src, ...size });
    this.point = point;
    this.show(point);
    this.watchPointer();
    this.dot.addEventListener("keydown", (event) => this.nudge(event));
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

  /** @param {Point} point */
  show({ x, y }) {
    this.point = { x: within(x), y: within(y) };
    this.dot.style.left = `${this.point.x * 100}%`;
    this.dot.style.top = `${this.point.y * 100}%`;
  }

  /** @param {Point} point */
  take(point) {
    this.show(point);
    this.changed(this.point);
  }

  watchPointer() {
    let isDragged = false;
    /** @param {PointerEvent} event */
    const follow = (event) => {
      const { left, top, width, height } = this.frame.getBoundingClientRect();
      this.take({ x: (event.clientX - left) / width, y: (event.clientY - top) / height });
    };
    this.frame.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      isDragged = true;
      this.frame.setPointerCapture(event.pointerId);
      follow(event);
    });
    this.frame.addEventListener("pointermove", (event) => { if (isDragged) follow(event); });
    for (const type of ["pointerup", "pointercancel"]) this.frame.addEventListener(type, () => { isDragged = false; });
    this.frame.addEventListener("dragstart", (event) => event.preventDefault());
  }

  // Arrows move the point by a hundredth of the side, with Shift by a tenth.
  /** @param {KeyboardEvent} event */
  nudge(event) {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    const step = event.shiftKey ? FAR : STEP;
    this.take({ x: this.point.x + arrow[0] * step, y: this.point.y + arrow[1] * step });
    event.preventDefault();
  }
}
