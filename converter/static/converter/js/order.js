// Changes the order of a document's images, by buttons or dragging.

import { all, around } from "./dom.js";
import { arrange, inBatch } from "./files.js";
import { changed, find, form, state } from "./page.js";
import { say, texts } from "./words.js";

/** @type {HTMLElement | null} */
let dragged = null;

const canMove = () => form.classList.contains("is-joined") && !state.busy && !state.batch;

export function showMovable() {
  for (const row of all(form, ".file-row", HTMLElement)) row.draggable = canMove();
}

/** @param {Element} row */
function settle(row) {
  arrange();
  changed();
  const images = inBatch();
  const place = images.findIndex(({ element }) => element === row) + 1;
  if (place) find("moved", HTMLElement).textContent = say(texts.moved, { name: images[place - 1].name, place, count: images.length });
}

form.addEventListener("click", (event) => {
  const button = around(event, "[data-move]", HTMLElement);
  const row = button?.closest(".file-row");
  if (!button || !row || !canMove()) return;
  // Move the neighbour instead of this row, so that the button keeps the focus.
  const isUp = button.dataset.move === "-1";
  const neighbour = isUp ? row.previousElementSibling : row.nextElementSibling;
  if (!neighbour) return;
  if (isUp) row.after(neighbour);
  else row.before(neighbour);
  row.scrollIntoView({ block: "nearest" });
  settle(row);
});

form.addEventListener("dragstart", (event) => {
  dragged = canMove() ? around(event, ".file-row", HTMLElement) : null;
  if (!dragged || !event.dataTransfer) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  dragged.classList.add("is-dragged");
});
form.addEventListener("dragover", (event) => {
  const over = around(event, ".file-row", HTMLElement);
  if (!dragged || !over || over === dragged || over.parentElement !== dragged.parentElement) return;
  const { top, height } = over.getBoundingClientRect();
  if (event.clientY > top + height / 2) over.after(dragged);
  else over.before(dragged);
});
form.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("is-dragged");
  settle(dragged);
  dragged = null;
});
