// Creates the batch of the chosen files, or shows what is wrong, and starts sending the files.

import { all, one } from "./dom.js";
import { isLost } from "./crops.js";
import { addresses, failed, inBatch, kept, ready } from "./files.js";
import { joined } from "./join.js";
import { logosTaken } from "./logos.js";
import { clearErrors, formatOf, showErrors } from "./output.js";
import { cards } from "./outputs.js";
import { recipeFor } from "./own.js";
import { address, find, form, hideRefusal, refuse, setBusy, state } from "./page.js";
import { sendAll } from "./sending.js";
import { makeBatch, readOutputs } from "./server.js";
import { settled } from "./settings.js";
import { fetchMessages, say, texts, told } from "./words.js";

/** @typedef {import("./row.js").Row} Row */

const LOST = ["no_upload", "upload_not_found"];
const NOBODY = "00000000-0000-0000-0000-000000000000"; // placeholder for the batch id in the page's URL

/**
 * Set the format of the only output.
 * @param {string} format
 */
function take(format) {
  const select = formatOf(cards()[0]);
  select.value = format;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

async function submit() {
  hideRefusal();
  for (const part of [...cards(), find("names", HTMLElement)]) clearErrors(part);
  const files = ready();
  if (!files.length && !kept().length && !addresses().length) {
    refuse(texts.noFiles);
    one(form, "#id_images", HTMLInputElement).focus();
    return;
  }
  setBusy(true);
  const problem = await make(files);
  if (problem) {
    setBusy(false);
    refuse(problem);
    return;
  }
  for (const input of all(form, "[data-upload], #id_images, [data-folder], [data-camera]", HTMLInputElement)) input.disabled = true;
  await sendAll(files);
}

/**
 * Create the batch; return why it failed, or "".
 * @param {Row[]} files
 * @param {boolean} [isAgain]
 * @returns {Promise<string>}
 */
async function make(files, isAgain = false) {
  await fetchMessages();
  await logosTaken();
  const { outputs, problem } = await readOutputs();
  const wrong = problem ?? problemOf(outputs);
  if (wrong) return wrong;
  const recipes = outputs.map(({ recipe = {} }) => recipe);
  const images = inBatch();
  const lost = images.find(isLost);
  if (lost) return say(texts.cropUnknown, { name: lost.name });
  // With a single image, its crop and focal point become part of the batch's recipes, so that they are kept for reuse.
  const isSingle = images.length === 1 && !addresses().length;
  /** @param {import("./files.js").Image} image */
  const own = (image) => {
    const mine = recipes.map((recipe) => recipeFor(image, recipe));
    return !isSingle && mine.some((recipe, index) => recipe !== recipes[index]) ? { outputs: mine } : {};
  };
  const { announce } = await import("./ahead.js"); // loaded with the first image
  const refused = await announce(files);
  if (refused) return refusal(refused.status, refused.said, refused.files);
  const { status, said } = await makeBatch({
    files: addresses().map((url) => ({ url })),
    uploads: images.map((image) => ({ id: "file" in image ? image.target?.id : image.upload, ...own(image) })),
    ...(joined() ? { join: joined() } : {}),
    name_pattern: one(form, "#id_name_pattern", HTMLInputElement).value.trim(),
    outputs: isSingle ? recipes.map((recipe) => recipeFor(images[0], recipe)) : recipes,
  });
  if (status !== 201) return !isAgain && forgetLost(said, images) ? make(files, true) : refusal(status, said, images);
  state.batch = address("batch").replace(NOBODY, said.id);
  sessionStorage.setItem("made", state.batch); // the batch page may start the download
  return "";
}

/**
 * Forget uploads that the site no longer has, so that they are announced again; return whether there are any.
 * @param {any} said
 * @param {import("./files.js").Image[]} images
 */
function forgetLost(said, images) {
  const lost = images.filter((image, index) => "file" in image && said?.errors?.some((/** @type {any} */ { code, pointer }) => LOST.includes(code) && pointer === `/uploads/${index}`));
  for (const image of lost) if ("file" in image) image.target = null;
  return lost.length > 0;
}

/** @param {import("./server.js").Output[]} outputs */
function problemOf(outputs) {
  const others = outputs.flatMap(({ errors = {} }, index) => showErrors(cards()[index], errors));
  if (others.length) return others.join(" ");
  return outputs.some(({ errors }) => errors) ? texts.refused : "";
}

/**
 * @param {number} status
 * @param {any} said
 * @param {import("./files.js").Image[]} images that error pointers refer to
 */
function refusal(status, said, images) {
  if (!status) return texts.offline;
  if (status === 401) return texts.loggedOut;
  const named = said?.errors?.find((/** @type {{ pointer?: string }} */ { pointer }) => pointer === "/name_pattern");
  if (named) showErrors(find("names", HTMLElement), { name_pattern: [told(named)] });
  let placed = 0;
  for (const error of said?.errors ?? []) {
    const [, list, index] = (error.pointer ?? "").split("/");
    const image = ["files", "uploads"].includes(list) ? images[index] : undefined;
    if (!image || !("file" in image)) continue;
    image.set("bad", told(error));
    placed += 1;
  }
  return placed || !said?.code ? texts.refused : told(said);
}

form.addEventListener("submit", async (event) => {
  const format = event.submitter instanceof HTMLButtonElement && event.submitter.name === "to" ? event.submitter.value : "";
  if (event.submitter && !format && !event.submitter.matches("[data-submit]")) return;
  event.preventDefault();
  await settled();
  if (state.busy) return;
  if (format && !state.batch) take(format);
  if (state.batch) await sendAll(failed());
  else await submit();
});
