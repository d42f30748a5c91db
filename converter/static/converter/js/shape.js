// What a recipe does to the shape of a picture.

/** @typedef {Record<string, any>} Recipe */

/**
 * The part of a recipe that shapes, for a result of this size; nothing where all of the picture is seen as it is.
 * @param {Recipe} recipe
 * @param {number} width
 * @param {number} height
 * @returns {Recipe | null}
 */
export function shapeOf({ crop, rotate, flip, background, resize = {} }, width, height) {
  const { mode, gravity } = resize;
  const isCut = ["fill", "pad"].includes(mode);
  if (!crop && !rotate && !flip && !isCut) return null;
  const cut = { background: mode === "pad" ? background : undefined, resize: { mode, gravity, width, height, enlarge: true } };
  // Without what is undefined.
  return JSON.parse(JSON.stringify({ crop, rotate, flip, ...(isCut ? cut : {}) }));
}

/**
 * How many pixels the result of a whole picture will have.
 * @param {{ width: number, height: number }} whole
 * @param {Recipe} recipe
 */
export function pixelsOf({ width, height }, { resize = {} }) {
  const scale = resize.scale ? resize.scale / 100 : Math.min((resize.width ?? width) / width, (resize.height ?? height) / height, 1);
  return width * height * scale ** 2;
}
