// Values chosen per image: one for all images, or a separate one for each.

/** @template T */
export class PerImage {
  constructor() {
    /** @type {Map<object, T | null>} */
    this.own = new Map();
    /** @type {T | null} */
    this.shared = null;
  }

  /**
   * @param {object} image
   * @returns {T | null}
   */
  of(image) {
    return (this.own.has(image) ? this.own.get(image) : this.shared) ?? null;
  }

  /**
   * @param {object} image
   * @param {T | null} value
   * @param {boolean} isForAll
   */
  set(image, value, isForAll) {
    if (!isForAll) {
      this.own.set(image, value);
      return;
    }
    this.clear();
    this.shared = value;
  }

  clear() {
    this.own.clear();
    this.shared = null;
  }

  /** Return a function that restores the current values. */
  undo() {
    const [own, shared] = [new Map(this.own), this.shared];
    return () => {
      this.own = new Map(own);
      this.shared = shared;
    };
  }
}
