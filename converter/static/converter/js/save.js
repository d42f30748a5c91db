// Saves the current outputs as a named recipe.

import { one } from "./dom.js";
import { logosTaken } from "./logos.js";
import { clearErrors, showErrors } from "./output.js";
import { cards } from "./outputs.js";
import { find, form, hideRefusal, refuse } from "./page.js";
import { readOutputs, saveRecipe } from "./server.js";
import { fetchMessages, say, texts, told } from "./words.js";

const section = find("save", HTMLDetailsElement);
const make = find("save-make", HTMLButtonElement);
const name = one(section, "input", HTMLInputElement);
const saved = find("saved", HTMLElement);

/** @param {string} text */
function tell(text) {
  showErrors(section, { name: [text] });
}

/** Return the problem, unless it is shown at a field. */
async function save() {
  await fetchMessages();
  await logosTaken();
  const { outputs, problem } = await readOutputs();
  if (problem) return problem;
  const others = outputs.flatMap(({ errors = {} }, index) => showErrors(cards()[index], errors));
  if (outputs.some(({ errors }) => errors)) return others.join(" ") || texts.refused;
  const { status, said } = await saveRecipe(name.value.trim(), outputs.map(({ recipe = {} }) => recipe));
  if (status === 201) show(said);
  else if (said?.code === "name_taken") tell(told(said));
  else return said?.code ? told(said) : status === 401 ? texts.loggedOut : texts.offline;
  return "";
}

/** @param {{ id: string, name: string }} recipe */
function show(recipe) {
  const list = find("recipes", HTMLElement);
  const link = document.createElement("a");
  link.className = "pick is-mine";
  link.href = `?recipe=${recipe.id}`;
  link.textContent = recipe.name;
  for (const other of list.children) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  list.prepend(link, " ");
  saved.textContent = say(texts.recipeSaved, { name: recipe.name });
  name.value = "";
  section.open = false;
}

make.addEventListener("click", async (event) => {
  event.preventDefault();
  hideRefusal();
  for (const part of [section, ...cards()]) clearErrors(part);
  saved.textContent = "";
  if (!name.value.trim()) {
    tell(texts.noName);
    return;
  }
  make.disabled = true;
  const problem = await save().finally(() => { make.disabled = false; });
  if (problem) refuse(problem);
});
for (const type of ["input", "change"]) section.addEventListener(type, (event) => event.stopPropagation());
section.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target !== name) return;
  event.preventDefault();
  make.click();
});
form.addEventListener("convert:changed", () => { saved.textContent = ""; });
