// Shows an image with a point that can be clicked, dragged or moved with the arrow keys.

import { ARROWS } from "./arrows.js";
import { one } from "./dom.js";
import { watchDrag } from "./drag.js";
import { Framed } from "./framed.js";

/** @typedef {import("./points.js").Point} Point */

const STEP = 0.01;
const FAR = 0.1; // with Shift
const EXACT = 10_000; // steps per side

/** @param {number} value */
const within = (value) => Math.round(Math.max(0, Math.min(1, value)) * EXACT) / EXACT;

export class PointPicker extends Framed {
  /**
   * @param {string} src
   * @param {import("./crop_box.js").Size} size
   * @param {Point} point
   * @param {(point: Point) => void} changed
   */
  constructor(src, size, point, changed) {
    super("[data-point-template]", src, size);
    this.changed = changed;
    this.dot = one(this.element, "[data-point-dot]", HTMLButtonElement);
    this.point = point;
    this.show(point);
    watchDrag(this.frame, (event) => this.drag(event));
    this.dot.addEventListener("keydown", (event) => this.nudge(event));
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

  /**
   * Move the point to the pointer and follow it.
   * @param {PointerEvent} start
   */
  drag(start) {
    /** @param {PointerEvent} now */
    const follow = (now) => {
      const { left, top, width, height } = this.frame.getBoundingClientRect();
      this.take({ x: (now.clientX - left) / width, y: (now.clientY - top) / height });
    };
    follow(start);
    return follow;
  }

  // Arrow keys move the point by a hundredth of the side, with Shift by a tenth.
  /** @param {KeyboardEvent} event */
  nudge(event) {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    const step = event.shiftKey ? FAR : STEP;
    this.take({ x: this.point.x + arrow[0] * step, y: this.point.y + arrow[1] * step });
    event.preventDefault();
  }
}
