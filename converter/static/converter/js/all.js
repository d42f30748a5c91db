// A checkbox that checks all checkboxes with a given name.

import { all } from "./dom.js";

for (const box of all(document, "[data-all]", HTMLInputElement)) {
  const others = all(document, `input[type=checkbox][name="${box.dataset.all}"]`, HTMLInputElement);
  const look = () => {
    const chosen = others.filter((other) => other.checked).length;
    box.checked = chosen === others.length;
    box.indeterminate = chosen > 0 && chosen < others.length;
  };
  const label = box.closest("label");
  if (label) label.hidden = others.length < 2;
  box.addEventListener("change", () => { for (const other of others) other.checked = box.checked; });
  document.addEventListener("change", look);
  look();
}
