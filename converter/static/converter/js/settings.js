// Takes the outputs from another URL of the convert page: from a recipe, or formats × widths. The chosen images stay.

import { around } from "./dom.js";
import { replaceOutputs } from "./outputs.js";
import { find } from "./page.js";

let taking = Promise.resolve(false);

/** Wait for outputs that were requested before. */
export const settled = () => taking;

/**
 * Returns false if there are no outputs at this URL.
 * @param {string} address
 */
export function takeFrom(address) {
  taking = load(address);
  return taking;
}

/** @param {string} address */
async function load(address) {
  const list = find("outputs", HTMLElement);
  list.inert = true; // changes made meanwhile would be lost
  const answer = await fetch(address).catch(() => null).finally(() => { list.inert = false; });
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const outputs = page?.querySelector("[data-outputs]");
  if (outputs) replaceOutputs(outputs);
  return Boolean(outputs);
}

/** @param {HTMLAnchorElement} link */
async function take(link) {
  if (await takeFrom(link.href)) link.setAttribute("aria-current", "true");
  else location.assign(link.href);
}

find("recipes", HTMLElement).addEventListener("click", (event) => {
  const link = around(event, "a", HTMLAnchorElement);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  take(link);
});
