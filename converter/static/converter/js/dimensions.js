// Reads the size of an image that browsers cannot show from the beginning of its file.

/** @typedef {import("./crop_box.js").Size} Size */

const LONGEST = 256 * 1024; // maximum number of bytes to read

/**
 * The size of the upright image; nothing if it is not found.
 * @param {Blob} file
 * @returns {Promise<Size | null>}
 */
export async function dimensionsOf(file) {
  const view = new DataView(await file.slice(0, LONGEST).arrayBuffer());
  try {
    if (isText(view, 4, "ftyp")) return heif(view);
    const order = view.getUint16(0);
    if (order === 0x4949 || order === 0x4d4d) return await tiff(view, order === 0x4949, file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a RangeError means that the size is not in these bytes
  }
  return null;
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {string} text
 */
const isText = (view, at, text) => [...text].every((letter, index) => view.getUint8(at + index) === letter.charCodeAt(0));

// ISO/IEC 23008-12: `ispe` holds the size of each item. The largest one is the image; the others are tiles and thumbnails.
/** @param {DataView} view */
function heif(view) {
  /** @type {Size | null} */
  let found = null;
  let isTurned = false;
  for (let at = 0; at + 20 <= view.byteLength; at += 1) {
    if (isText(view, at, "mdat")) break;
    if (isText(view, at, "irot") && view.getUint32(at - 4) === 9) isTurned = view.getUint8(at + 4) % 2 === 1;
    if (!isText(view, at, "ispe") || view.getUint32(at - 4) !== 20) continue;
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!found || width * height > found.width * found.height) found = { width, height };
  }
  return upright(found, isTurned);
}

// TIFF 6.0: width, height and orientation of the first page.
/**
 * @param {DataView} view
 * @param {boolean} isLittle
 * @param {Blob} file
 */
async function tiff(view, isLittle, file) {
  if (view.getUint16(2, isLittle) !== 42) return null;
  const start = view.getUint32(4, isLittle);
  const page = new DataView(await file.slice(start, start + 4096).arrayBuffer());
  /** @type {Record<number, number>} */
  const tags = {};
  for (let index = 0; index < page.getUint16(0, isLittle); index += 1) {
    const at = 2 + index * 12;
    const isShort = page.getUint16(at + 2, isLittle) === 3;
    tags[page.getUint16(at, isLittle)] = isShort ? page.getUint16(at + 8, isLittle) : page.getUint32(at + 8, isLittle);
  }
  const { 256: width, 257: height, 274: orientation = 1 } = tags;
  return upright(width && height ? { width, height } : null, orientation > 4);
}

/**
 * @param {Size | null} size
 * @param {boolean} isTurned
 */
const upright = (size, isTurned) => (size && isTurned ? { width: size.height, height: size.width } : size);
