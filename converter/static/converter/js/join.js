// Joining images into one document: whether it is possible, and whether it is chosen.

import { one } from "./dom.js";
import { addresses, inBatch } from "./files.js";
import { formatOf } from "./output.js";
import { cards } from "./outputs.js";
import { changed, find, form } from "./page.js";

const field = find("join", HTMLElement);
const box = one(field, "input", HTMLInputElement);
const formats = (field.dataset.join ?? "").split(" ");

/** The format of the document; empty if each image has its own results. */
export function joined() {
  const [card, ...others] = cards();
  const can = !others.length && formats.includes(formatOf(card).value) && inBatch().length + addresses().length > 1;
  field.hidden = !can;
  return can && box.checked ? formatOf(card).value : "";
}

/** Show the buttons that move images once their script is loaded, which happens with the first document. */
export async function showOrder() {
  const order = joined() ? await import("./order.js") : null;
  form.classList.toggle("is-joined", joined() !== "");
  order?.showMovable();
}

box.addEventListener("change", changed);
