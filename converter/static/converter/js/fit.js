// A frame around a picture, as large as its place has room for.

/**
 * @param {HTMLElement} frame
 * @param {HTMLElement} place with the same padding on opposite sides
 * @param {import("./crop_box.js").Size} size of the picture
 */
export function fit(frame, place, size) {
  const room = getComputedStyle(place);
  const [across, down] = [place.clientWidth - 2 * parseFloat(room.paddingLeft), place.clientHeight - 2 * parseFloat(room.paddingTop)];
  const scale = Math.min(across / size.width, down / size.height);
  frame.style.width = `${size.width * scale}px`;
  frame.style.height = `${size.height * scale}px`;
}
