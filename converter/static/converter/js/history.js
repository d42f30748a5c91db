// One box for all the boxes of the list.

const all = document.querySelector("[data-all]");
const boxes = [...document.querySelectorAll("[name=batch][form=bulk]")];
if (all) {
  all.closest("label").hidden = boxes.length < 2;
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; });
  document.addEventListener("change", () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  });
}
