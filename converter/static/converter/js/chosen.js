// Images that were chosen but not converted are kept while the user looks at other pages of the site, and offered afterwards.

import { one } from "./dom.js";
import { form } from "./page.js";
import { say, texts } from "./words.js";

/** @typedef {{ uploads: string[], until: number }} Chosen `until`: when the site deletes them, by this device's clock */

const KEY = "chosen";

/** @returns {Chosen | null} */
export function chosen() {
  /** @type {Chosen | null} */
  const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return found && Date.now() < found.until ? found : null;
}

/** @param {Chosen} images */
export function keep(images) {
  if (images.uploads.length) sessionStorage.setItem(KEY, JSON.stringify(images));
  else sessionStorage.removeItem(KEY);
}

export function offer() {
  const before = chosen();
  if (!before || one(form, "[data-rows]", HTMLElement).childElementCount || form.querySelector("[data-upload]")) return;
  const link = one(form, "[data-chosen]", HTMLAnchorElement);
  const address = new URL(location.href);
  address.searchParams.set("upload", before.uploads.join(","));
  link.href = address.href;
  link.textContent = before.uploads.length === 1 ? texts.chosenOne : say(texts.chosen, { count: before.uploads.length });
  link.hidden = false;
}
