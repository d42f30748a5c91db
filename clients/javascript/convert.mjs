// Convert one file: node convert.mjs SOURCE TARGET RECIPE, with IMAGESITE_URL and IMAGESITE_TOKEN in the environment.

import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import process, { argv, env } from "node:process";

/** @typedef {import("./imagesite").components["schemas"]["Batch"]} Batch */
/** @typedef {import("./imagesite").components["schemas"]["Job"]} Job */
/** @typedef {import("./imagesite").components["schemas"]["Problem"]} Problem */

// Our paths start at the root of the site, those in its answers at the root of its host.
const site = `${env.IMAGESITE_URL ?? ""}/`.replace(/\/+$/, "/");
const authorization = { Authorization: `Bearer ${env.IMAGESITE_TOKEN}` };

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function call(path, options = {}) {
  const response = await fetch(new URL(path, site), options);
  if (!response.ok) {
    const problem = /** @type {Problem} */ (await response.json());
    throw new Error(`${problem.detail} (${problem.code})`);
  }
  return response;
}

async function convert() {
  const [source = "", target = "", recipe = "{}"] = argv.slice(2);
  const bytes = await readFile(source).catch((error) => {
    throw new Error(`${source}: ${error.message}`);
  });

  const created = await call("api/v1/batches", {
    method: "POST",
    headers: { ...authorization, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({
      files: [{ name: basename(source), size: bytes.length }],
      outputs: [JSON.parse(recipe)],
    }),
  });
  const batch = /** @type {Batch} */ (await created.json());

  const form = new FormData();
  const upload = batch.uploads[0]?.form;
  for (const [name, value] of Object.entries(upload?.fields ?? {})) form.append(name, value);
  form.append("file", new Blob([bytes]), basename(source));
  await call(upload?.url ?? "", { method: "POST", body: form });

  let job = /** @type {Job} */ (batch.jobs[0]);
  while (!job.finished_at) {
    const answer = await call(`api/v1/jobs/${job.id}?wait=20`, { headers: authorization });
    job = /** @type {Job} */ (await answer.json());
    const pause = Number(answer.headers.get("Retry-After")); // set if too many requests are waiting
    if (!job.finished_at && pause) await new Promise((resume) => setTimeout(resume, 1000 * pause));
  }
  if (!job.result) throw new Error(job.error ? `${job.error.message} (${job.error.code})` : job.status);
  const result = await call(job.result.url, { headers: authorization });
  await writeFile(target, new Uint8Array(await result.arrayBuffer()));
  console.log(`${target}: ${job.result.width}×${job.result.height}, ${job.result.size} bytes`);
}

convert().catch((error) => {
  console.error(error.cause?.message || error.message);
  process.exitCode = 1;
});
