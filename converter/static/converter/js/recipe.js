// Describes the recipe in one sentence while it is being edited.

import { watchColors } from "./colors.js";
import { all, one } from "./dom.js";
import { watchLogos } from "./logo_thumb.js";
import { showWhatFits } from "./output.js";
import { watchPresets } from "./presets.js";

const form = one(document, "[data-recipe]", HTMLFormElement);
const cards = all(form, "[data-output]", HTMLElement);
const says = one(form, "[data-says]", HTMLElement);
let timer = 0;
let last = 0;

async function refresh() {
  const turn = ++last;
  const answer = await fetch(form.dataset.sentence ?? "", { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer?.ok || turn !== last) return;
  const said = await answer.json();
  says.textContent = said.sentence ?? said.errors.join(" ");
}

function follow() {
  cards.forEach(showWhatFits);
  clearTimeout(timer);
  timer = setTimeout(refresh, 250);
}

for (const watch of [watchPresets, watchColors, watchLogos]) watch(form);
for (const type of ["input", "change"]) form.addEventListener(type, follow);
cards.forEach(showWhatFits);
