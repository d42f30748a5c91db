// Several images as one document: whether that can be chosen, and is.

import { one } from "./dom.js";
import { addresses, inBatch } from "./files.js";
import { formatOf } from "./output.js";
import { cards } from "./outputs.js";
import { changed, find, form } from "./page.js";

const field = find("join", HTMLElement);
const box = one(field, "input", HTMLInputElement);
const formats = (field.dataset.join ?? "").split(" ");

/** The format of the document; empty where each image has results of its own. */
export function joined() {
  const [card, ...others] = cards();
  const can = !others.length && formats.includes(formatOf(card).value) && inBatch().length + addresses().length > 1;
  field.hidden = !can;
  return can && box.checked ? formatOf(card).value : "";
}

/** The buttons that move images are shown once there is a script that heeds them: it comes with the first document. */
export async function showOrder() {
  const order = joined() ? await import("./order.js") : null;
  form.classList.toggle("is-joined", joined() !== "");
  order?.showMovable();
}

box.addEventListener("change", changed);
