// Tabs as in WAI-ARIA: one panel is open, and arrow keys move between tabs.

import { all, around } from "./dom.js";

/** @param {HTMLElement} chosen */
function open(chosen) {
  const list = chosen.closest("[role=tablist]");
  for (const tab of all(list ?? document, "[role=tab]", HTMLElement)) {
    const isOpen = tab === chosen;
    tab.setAttribute("aria-selected", String(isOpen));
    tab.tabIndex = isOpen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls") ?? "")?.toggleAttribute("data-closed", !isOpen);
  }
}

document.addEventListener("click", (event) => {
  const tab = around(event, "[role=tab]", HTMLElement);
  if (tab) open(tab);
});
document.addEventListener("keydown", (event) => {
  const tab = around(event, "[role=tab]", HTMLElement);
  if (!tab) return;
  const tabs = all(tab.closest("[role=tablist]") ?? document, "[role=tab]", HTMLElement);
  const at = tabs.indexOf(tab);
  /** @type {Record<string, number>} */
  const places = { ArrowLeft: at - 1, ArrowRight: (at + 1) % tabs.length, Home: 0, End: -1 };
  const next = tabs.at(places[event.key] ?? at);
  if (!next || next === tab) return;
  event.preventDefault();
  open(next);
  next.focus();
});
