// The requests of the convert page.

import { address, form } from "./page.js";
import { poster } from "./post.js";
import { texts, told } from "./words.js";

/**
 * @typedef {{ status: number, said: any }} Answer `status` 0: no response from the site; 401: not logged in
 * @typedef {{ recipe?: Record<string, any>, errors?: Record<string, string[]> }} Output
 * @typedef {{ url: string, fields: Record<string, string> }} UploadForm
 */

const post = poster(form);

/**
 * @param {string} url
 * @param {FormData | Record<string, any>} body
 * @param {Record<string, string>} [more]
 * @param {string} [method]
 * @returns {Promise<Answer>}
 */
async function ask(url, body, more = {}, method = "POST") {
  const isForm = body instanceof FormData;
  const headers = { Accept: "application/json", ...(isForm ? {} : { "Content-Type": "application/json" }), ...more };
  const answer = await post(url, isForm ? body : JSON.stringify(body), headers, method);
  if (!answer) return { status: 0, said: null };
  // Without a session, the API responds with 403 and pages redirect to the log-in page.
  const status = answer.redirected || answer.status === 403 ? 401 : answer.status;
  return { status, said: await answer.json().catch(() => null) };
}

/**
 * Return the recipe of each output in the form, or what is wrong with its fields.
 * @returns {Promise<{ outputs: Output[], problem?: string }>}
 */
export async function readOutputs() {
  const body = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("outputs-") && typeof value === "string") body.append(name, value);
  }
  const { status, said } = await ask(address("read"), body);
  if (status === 200) return { outputs: said.outputs };
  return { outputs: [], problem: status === 401 ? texts.loggedOut : texts.offline };
}

/**
 * @param {File} file
 * @returns {Promise<{ upload?: string, problem?: string }>}
 */
export async function keepWatermark(file) {
  const body = new FormData();
  body.append("file", file);
  const { status, said } = await ask(address("watermark"), body);
  return status === 201 ? { upload: said.id } : { problem: said?.detail ?? texts.offline };
}

let last = { wish: "", key: "" };

/**
 * Create a batch. The same request gets the same key, so that a retry after a lost response creates no second batch.
 * @param {Record<string, any>} wanted
 */
export function makeBatch(wanted) {
  const wish = JSON.stringify(wanted);
  if (wish !== last.wish) last = { wish, key: `${Date.now()}-${Math.random()}` };
  return ask(address("batches"), wanted, { "Idempotency-Key": last.key });
}

/**
 * @param {string} name
 * @param {Record<string, any>[]} outputs
 */
export const saveRecipe = (name, outputs) => ask(address("savedRecipes"), { name, outputs });

/**
 * Request an upload form for each file before the outputs are known.
 * @param {{ name: string, size: number }[]} files
 */
export const announceFiles = (files) => ask(`${address("uploads")}forms`, { files });

/** @param {string} upload must not be in a batch */
export const forgetUpload = (upload) => ask(`${address("uploads")}${upload}`, new FormData(), {}, "DELETE");

/** @param {string} batch */
export const cancelBatch = (batch) => ask(`${batch}cancel/`, new FormData());

/**
 * Return a new form for an upload, or why there is none.
 * @param {string} upload
 * @returns {Promise<{ form?: UploadForm, problem?: string }>}
 */
export async function renewForm(upload) {
  const { status, said } = await ask(`${address("uploads")}${upload}/form`, {});
  if (status === 200) return { form: said };
  if (status === 401) return { problem: texts.loggedOutSending };
  return { problem: said?.code ? told(said) : texts.failed };
}

/**
 * Convert a blob or an upload once, without storing the result.
 * @param {{ blob: Blob, name: string } | { upload: string }} source
 * @param {Record<string, any>} recipe
 * @returns {Promise<{ result?: Blob, report?: Record<string, any>, problem?: string, code?: string }>}
 */
export async function convertOnce(source, recipe) {
  const body = new FormData();
  if ("blob" in source) body.append("file", source.blob, source.name);
  else body.append("upload", source.upload);
  body.append("recipe", JSON.stringify(recipe));
  body.append("keep", "false");
  const answer = await post(address("oneShotUrl"), body);
  const result = await answer?.blob().catch(() => null);
  if (!answer || !result) return { problem: texts.offline };
  if (answer.status === 200) return { result, report: JSON.parse(answer.headers.get("Job-Report") ?? "{}") };
  const said = await result.text().then(JSON.parse).catch(() => ({}));
  if (said.code === "not_in_time") return { problem: texts.tryFailed };
  return { code: said.code, problem: said.code === "unavailable" || !said.code ? texts.tryAway : told(said) };
}
