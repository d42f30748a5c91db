// Finds elements by selector and class. Throws if a page lacks a required element.

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T | null}
 */
export function maybe(root, selector, kind) {
  const found = root.querySelector(selector);
  return found instanceof kind ? found : null;
}

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 */
export function one(root, selector, kind) {
  const found = maybe(root, selector, kind);
  if (!found) throw new TypeError(`There is no ${kind.name} at ${selector}`);
  return found;
}

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T[]}
 */
export function all(root, selector, kind) {
  return /** @type {T[]} */ ([...root.querySelectorAll(selector)].filter((found) => found instanceof kind));
}

/**
 * The closest matching ancestor of an event's target.
 * @template {Element} T
 * @param {Event} event
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T | null}
 */
export function around(event, selector, kind) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof kind ? found : null;
}

/**
 * A copy of a template's content.
 * @param {string} selector
 */
export function copyOf(selector) {
  const copy = document.importNode(one(document, selector, HTMLTemplateElement).content, true);
  return one(copy, "*", HTMLElement);
}

/** @param {ParentNode} root */
export function showWhatNeedsScript(root) {
  for (const element of all(root, "[data-needs-script]", HTMLElement)) element.hidden = false;
}

/**
 * Move an element without losing the focus in it.
 * @param {Element} place
 * @param {Element} element
 */
export function moveBefore(place, element) {
  const focused = document.activeElement;
  place.before(element);
  if (focused instanceof HTMLElement && element.contains(focused)) focused.focus({ preventScroll: true });
}
