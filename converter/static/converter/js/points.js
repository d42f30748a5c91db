// The focal point of each picture: its own, or the one that is the same for all.

/** @typedef {{ x: number, y: number }} Point in fractions of the upright picture, from its top left */

/** @type {Map<object, Point | null>} */
const own = new Map();
/** @type {Point | null} */
let shared = null;

/**
 * @param {object} image
 * @param {Point | null} point
 * @param {boolean} isForAll
 */
export function setPoint(image, point, isForAll) {
  if (isForAll) {
    own.clear();
    shared = point;
  } else {
    own.set(image, point);
  }
}

export function clearPoints() {
  own.clear();
  shared = null;
}

/** What undoes all that is set from here on. */
export function undoPoints() {
  const [before, all] = [new Map(own), shared];
  return () => {
    own.clear();
    for (const [image, point] of before) own.set(image, point);
    shared = all;
  };
}

/**
 * @param {object} image
 * @returns {Point | null}
 */
export const pointOf = (image) => (own.has(image) ? own.get(image) ?? null : shared);
