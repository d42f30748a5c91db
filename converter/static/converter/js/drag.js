// Drags with mouse, pen or finger. Other pointers are ignored until the first is lifted.

/** @typedef {(event: PointerEvent) => void} Follow */

/**
 * @param {HTMLElement} element
 * @param {(event: PointerEvent) => Follow | null} begin returns a handler for each move, or null if there is nothing to drag
 * @param {Follow} [end] called on pointerup or pointercancel
 */
export function watchDrag(element, begin, end = () => {}) {
  let pointer = -1;
  /** @type {Follow} */
  let follow = () => {};
  // Check pointer capture, since it also ends when the element is removed from the page.
  const isDragged = () => element.hasPointerCapture(pointer);
  element.addEventListener("pointerdown", (event) => {
    if (event.button || isDragged()) return;
    const begun = begin(event);
    if (!begun) return;
    [pointer, follow] = [event.pointerId, begun];
    element.setPointerCapture(pointer);
  });
  element.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer && isDragged()) follow(event);
  });
  for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(type, (event) => {
      if (event.pointerId === pointer && isDragged()) end(event);
    });
  }
}
