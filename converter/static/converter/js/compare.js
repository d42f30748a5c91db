// Original and result on each other, with a line between them that the range moves. Without this: side by side.

function start(section) {
  const frame = section.querySelector("[data-frame]");
  const view = section.querySelector("[data-view]");
  const range = section.querySelector("[data-range]");
  const zoom = section.querySelector("[data-zoom]");
  section.classList.add("is-live");
  for (const element of section.querySelectorAll("[data-needs-script]")) element.hidden = false;

  const split = (percent) => {
    range.value = percent;
    frame.style.setProperty("--split", `${range.value}%`);
  };
  const size = () => {
    const [width, height] = [Number(frame.dataset.width), Number(frame.dataset.height)];
    const zoomed = Boolean(zoom?.checked);
    section.classList.toggle("is-zoomed", zoomed);
    // As large as the screen has room for, never larger than the picture itself.
    const high = section.closest(".try-view") ? view.clientHeight : window.innerHeight * 0.72;
    const room = Math.min(Math.max(width, 160), view.clientWidth, (high * width) / height);
    frame.style.width = zoomed ? `${width / window.devicePixelRatio}px` : `${room}px`;
    section.classList.toggle("is-slim", frame.offsetWidth < 320); // no room for two captions in one line
    if (zoomed) {
      view.tabIndex = 0;
      view.scrollTo((frame.offsetWidth - view.clientWidth) / 2, (frame.offsetHeight - view.clientHeight) / 2);
    } else {
      view.removeAttribute("tabindex");
    }
  };
  const isHero = section.classList.contains("hero-compare");
  if (!isHero) size();
  split(50);
  range.addEventListener("input", () => split(range.value));
  zoom?.addEventListener("change", size);
  section.addEventListener("compare:resized", size);
  if (!isHero) window.addEventListener("resize", () => { if (!zoom?.checked) size(); });

  const difference = section.querySelector("[data-difference]");
  difference?.addEventListener("change", () => section.classList.toggle("is-difference", difference.checked));
  const back = section.querySelector("[data-back]");
  back?.addEventListener("change", () => {
    for (const name of ["checker", "on-white", "on-black"]) frame.classList.remove(name);
    frame.classList.add(back.value === "checker" ? "checker" : `on-${back.value}`);
  });

  let drag = null;
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    split(((event.clientX - box.left) / box.width) * 100);
  };
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const onLine = event.target.matches("[data-line]");
    const pans = zoom?.checked && !onLine;
    if (pans && event.pointerType !== "mouse") return; // touch scrolls by itself
    drag = { pans, x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
    frame.setPointerCapture(event.pointerId);
    if (!pans) at(event);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (drag.pans) view.scrollTo(drag.left - (event.clientX - drag.x), drag.top - (event.clientY - drag.y));
    else at(event);
  });
  for (const type of ["pointerup", "pointercancel"]) frame.addEventListener(type, () => { drag = null; });
}

export function startAll(root) {
  const found = root.matches?.("[data-compare]") ? [root] : root.querySelectorAll("[data-compare]");
  for (const section of found) if (!section.classList.contains("is-live")) start(section);
}

startAll(document);
// What htmx brings in later.
document.addEventListener("htmx:load", (event) => startAll(event.detail.elt));
