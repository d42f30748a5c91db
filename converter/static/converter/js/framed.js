// An image in a frame that fills the available space, under a movable overlay.

import { copyOf, one } from "./dom.js";

/** @typedef {import("./crop_box.js").Size} Size */

export class Framed {
  /**
   * @param {string} template
   * @param {string} src
   * @param {Size} size of the picture itself, which may be larger than what is shown of it
   */
  constructor(template, src, size) {
    this.size = size;
    this.element = copyOf(template);
    this.frame = one(this.element, ".crop-frame", HTMLElement);
    Object.assign(one(this.element, "img", HTMLImageElement), { src, ...size });
    this.resized = () => this.fit();
    window.addEventListener("resize", this.resized);
  }

  close() {
    window.removeEventListener("resize", this.resized);
    this.element.remove();
  }

  fit() {
    const { element, frame, size } = this;
    const room = getComputedStyle(element); // with the same padding on opposite sides
    const [across, down] = [element.clientWidth - 2 * parseFloat(room.paddingLeft), element.clientHeight - 2 * parseFloat(room.paddingTop)];
    const scale = Math.min(across / size.width, down / size.height);
    frame.style.width = `${size.width * scale}px`;
    frame.style.height = `${size.height * scale}px`;
  }
}
