// Dragging by mouse, pen or finger. The pointer that begins it is the only one that counts until it is lifted.

/** @typedef {(event: PointerEvent) => void} Follow */

/**
 * @param {HTMLElement} element
 * @param {(event: PointerEvent) => Follow | null} begin returns what follows each move; nothing where there is nothing to drag
 * @param {Follow} [end] is told of a pointerup or pointercancel
 */
export function watchDrag(element, begin, end = () => {}) {
  let pointer = -1;
  /** @type {Follow} */
  let follow = () => {};
  // The capture says whether it is still down: the browser ends that too where an element is taken off the page.
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
