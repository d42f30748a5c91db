// Overlays original and result, with a dividing line that the range input moves. Without scripts they are side by side.

import { all, around, maybe, one, showWhatNeedsScript } from "./dom.js";
import { watchDrag } from "./drag.js";

/** @param {HTMLElement} section */
function start(section) {
  const frame = one(section, "[data-frame]", HTMLElement);
  const zoom = maybe(section, "[data-zoom]", HTMLInputElement);
  section.classList.add("is-live");
  showWhatNeedsScript(section);
  const isHero = section.classList.contains("hero-compare");
  if (!isHero) startSize(section, frame, zoom);
  const split = startSplit(section, frame);
  startBackground(section, frame);
  startDrag(section, frame, zoom, split);
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} frame
 * @param {HTMLInputElement | null} zoom
 */
function startSize(section, frame, zoom) {
  const view = one(section, "[data-view]", HTMLElement);
  const size = () => {
    const [width, height] = [Number(frame.dataset.width), Number(frame.dataset.height)];
    const zoomed = Boolean(zoom?.checked);
    section.classList.toggle("is-zoomed", zoomed);
    // As large as fits on the screen, but never larger than the image itself.
    const high = section.closest(".try-view") ? view.clientHeight : window.innerHeight * 0.72;
    const room = Math.min(Math.max(width, 160), view.clientWidth, (high * width) / height);
    frame.style.width = zoomed ? `${width / window.devicePixelRatio}px` : `${room}px`;
    section.classList.toggle("is-slim", frame.offsetWidth < 320); // too narrow for two captions in one line
    if (zoomed) {
      view.tabIndex = 0;
      view.scrollTo((frame.offsetWidth - view.clientWidth) / 2, (frame.offsetHeight - view.clientHeight) / 2);
    } else {
      view.removeAttribute("tabindex");
    }
  };
  size();
  zoom?.addEventListener("change", size);
  section.addEventListener("compare:resized", size);
  window.addEventListener("resize", () => { if (!zoom?.checked) size(); });
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} frame
 */
function startSplit(section, frame) {
  const range = one(section, "[data-range]", HTMLInputElement);
  /** @param {number} percent */
  const split = (percent) => {
    range.value = String(percent);
    range.ariaValueText = `${range.value}%`;
    frame.style.setProperty("--split", `${range.value}%`);
  };
  split(50);
  range.addEventListener("input", () => split(Number(range.value)));
  return split;
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} frame
 */
function startBackground(section, frame) {
  const difference = maybe(section, "[data-difference]", HTMLInputElement);
  difference?.addEventListener("change", () => section.classList.toggle("is-difference", difference.checked));
  const back = maybe(section, "[data-back]", HTMLSelectElement);
  back?.addEventListener("change", () => {
    frame.classList.remove("checker", "on-white", "on-black");
    frame.classList.add(back.value === "checker" ? "checker" : `on-${back.value}`);
  });
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} frame
 * @param {HTMLInputElement | null} zoom
 * @param {(percent: number) => void} split
 */
function startDrag(section, frame, zoom, split) {
  const view = one(section, "[data-view]", HTMLElement);
  /** @param {PointerEvent} event */
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    split(((event.clientX - box.left) / box.width) * 100);
  };
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  watchDrag(frame, (start) => {
    if (!zoom?.checked || around(start, "[data-line]", HTMLElement)) {
      at(start);
      return at;
    }
    if (start.pointerType !== "mouse") return null; // browsers scroll by touch themselves
    const { scrollLeft, scrollTop } = view;
    return (now) => view.scrollTo(scrollLeft - (now.clientX - start.clientX), scrollTop - (now.clientY - start.clientY));
  });
}

/** @param {ParentNode} root */
export function startAll(root) {
  const found = all(root, "[data-compare]", HTMLElement);
  if (root instanceof HTMLElement && root.matches("[data-compare]")) found.push(root);
  for (const section of found) if (!section.classList.contains("is-live")) start(section);
}

startAll(document);
// Elements that htmx loads later.
document.addEventListener("htmx:load", (event) => startAll(event.detail.elt));
