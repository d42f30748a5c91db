// One output: which options its format has, and the recipe that they make. The server reads forms by the same
// data: every option carries its path in the recipe, its kind, its default and the formats it is for.

const fieldsOf = (card) => card.querySelectorAll("[data-path]");
export const formatOf = (card) => card.querySelector("[name$='-format']").value;
const isFor = (input, format) => input.dataset.formats.split(" ").includes(format);

export function showWhatFits(card) {
  const format = formatOf(card);
  const isAimed = ["aim", "target_bytes"].some((path) => {
    const input = card.querySelector(`[data-path="${path}"]`);
    return input && isFor(input, format) && input.value;
  });
  for (const input of fieldsOf(card)) {
    const field = input.closest(".field");
    // A quality is one of three ways to say how good; whoever took another does not mean it.
    const isMoot = isAimed && input.dataset.path === "quality";
    if (field) field.hidden = !isFor(input, format) || isMoot;
    if (input.dataset.path === "quality") input.disabled = isMoot;
    const defaultValue = input.getAttribute(`data-default-${format}`);
    if (defaultValue) input.placeholder = defaultValue;
  }
  for (const group of card.querySelectorAll("fieldset")) {
    group.hidden = !group.querySelector(".field:not([hidden])");
  }
}

export function readRecipe(card) {
  const format = formatOf(card);
  const recipe = { format };
  const told = new Set();
  for (const input of fieldsOf(card)) {
    const value = readValue(input);
    if (!isFor(input, format) || input.closest(".field")?.hidden || value === null || String(value) === defaultOf(input, format)) continue;
    const [part, name] = input.dataset.path.includes(".") ? input.dataset.path.split(".") : ["", input.dataset.path];
    if (part) recipe[part] = { ...recipe[part], [name]: value };
    else recipe[name] = value;
    if (input.dataset.tells) told.add(part);
  }
  // A part that nothing switches on says nothing: a way to fit without a size to fit in.
  for (const [name, value] of Object.entries(recipe)) {
    if (typeof value === "object" && !told.has(name)) delete recipe[name];
  }
  return recipe;
}

function readValue(input) {
  if (input.dataset.kind === "boolean") return input.checked;
  if (input.value.trim() === "") return null;
  if (input.dataset.kind === "integer" || input.dataset.kind === "number") return Math.round(Number(input.value) * Number(input.dataset.times ?? 1) * 1e6) / 1e6;
  return input.value;
}

const defaultOf = (input, format) => input.getAttribute(`data-default-${format}`) ?? input.dataset.default;

export function showProblem(card, path, detail) {
  const input = [...fieldsOf(card)].find((one) => one.dataset.path === path || one.dataset.path.startsWith(`${path}.`));
  const error = input?.closest(".field")?.querySelector(".error");
  if (!error) return false;
  error.textContent = detail;
  input.setAttribute("aria-invalid", "true");
  input.closest("details")?.setAttribute("open", "");
  input.focus();
  return true;
}

export function clearProblems(card) {
  for (const error of card.querySelectorAll(".error")) error.textContent = "";
  for (const input of card.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}
