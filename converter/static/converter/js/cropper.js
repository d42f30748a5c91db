// An image with a crop box that can be moved and resized by mouse, touch or keyboard.

import { ARROWS } from "./arrows.js";
import { moved, whole } from "./crop_box.js";
import { dragged } from "./crop_handle.js";
import { around, one } from "./dom.js";
import { watchDrag } from "./drag.js";
import { Framed } from "./framed.js";

/**
 * @typedef {import("./crop_box.js").Box} Box
 * @typedef {import("./crop_box.js").Size} Size
 */

const FAR = 10; // pixels, with Shift

export class Cropper extends Framed {
  /**
   * @param {string} src
   * @param {Size} size
   * @param {(box: Box) => void} changed
   */
  constructor(src, size, changed) {
    super("[data-crop-template]", src, size);
    this.changed = changed;
    /** @type {number | null} */
    this.ratio = null;
    /** @type {Box} */
    this.box = { x: 0, y: 0, ...size };
    this.area = one(this.element, "[data-crop-box]", HTMLElement);
    this.hole = one(this.element, "[data-crop-hole]", HTMLElement); // in the overlay
    watchDrag(this.area, (event) => this.drag(event));
    this.area.addEventListener("keydown", (event) => this.nudge(event));
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

  /**
   * Start dragging the box or one of its handles.
   * @param {PointerEvent} start
   */
  drag(start) {
    const handle = around(start, "[data-handle]", HTMLElement)?.dataset.handle;
    const { box, size } = this;
    /** @param {PointerEvent} now */
    return (now) => {
      const scale = size.width / this.frame.clientWidth;
      const [dx, dy] = [(now.clientX - start.clientX) * scale, (now.clientY - start.clientY) * scale];
      this.take(handle ? dragged(box, handle, dx, dy, size, this.ratio) : moved(box, dx, dy, size));
    };
  }

  // Arrow keys move the box by one pixel, or ten with Shift; + and - resize it.
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
   * The box with a longer width and the same centre.
   * @param {number} by pixels
   */
  grown(by) {
    const { box, size } = this;
    const width = Math.max(1, Math.min(box.width + by, size.width, (size.height * box.width) / box.height));
    const height = (width * box.height) / box.width;
    return moved({ x: box.x - (width - box.width) / 2, y: box.y - (height - box.height) / 2, width, height }, 0, 0, size);
  }
}
