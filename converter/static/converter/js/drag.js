// Dragging by mouse, pen or finger. Until the first pointer is lifted, other pointers are ignored.

/** @typedef {(event: PointerEvent) => void} Follow */

/**
 * @param {HTMLElement} element
 * @param {(event: PointerEvent) => Follow | null} begin returns a function for each move, or nothing if there is nothing to drag
 * @param {Follow} [end] is told of a pointerup or pointercancel
 */
export function watchDrag(element, begin, end = () => {}) {
  let pointer = -1;
  /** @type {Follow} */
  let follow = () => {};
  // Pointer capture tells whether the drag is active: it also ends if the element is removed from the page.
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
