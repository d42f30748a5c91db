// Shows what the options make of the first image, before the rest is sent: through the one-shot API, then forgotten.

import { startAll } from "./compare.js";

const WAIT = 700; // milliseconds after the last change

export function trying({ form, texts, say, sizeInWords, first, recipe, csrf }) {
  const section = form.querySelector("[data-try]");
  const note = section.querySelector("[data-try-note]");
  const view = section.querySelector("[data-try-view]");
  const most = Number(form.dataset.oneShot);
  let running = false;
  let again = false;
  let timer = 0;
  let wanted = false;

  section.querySelector("[data-try-start]").addEventListener("click", () => { wanted = true; run(); });

  function changed() {
    const file = first();
    section.hidden = !file;
    if (!file) { wanted = false; note.textContent = ""; view.replaceChildren(); }
    clearTimeout(timer);
    if (wanted) timer = setTimeout(run, WAIT);
  }

  async function run() {
    const file = first();
    if (!file) return;
    if (running) { again = true; return; } // a trial broken off would leave its entry behind
    if (file.size > most) { note.textContent = say(texts.tryTooLarge, { size: sizeInWords(most) }); return; }
    running = true;
    note.textContent = texts.trying;
    const body = new FormData();
    body.append("file", file);
    body.append("recipe", JSON.stringify(recipe()));
    try {
      const answer = await fetch(form.dataset.oneShotUrl, { method: "POST", headers: { "X-CSRFToken": csrf }, body });
      const job = answer.headers.get("Job-Id");
      const result = await answer.blob();
      if (job) forget(job);
      if (answer.status === 200) await show(file, result);
      else note.textContent = (await said(result)) ?? texts.tryFailed;
    } catch {
      note.textContent = texts.offline;
    } finally {
      running = false;
    }
    if (again) { again = false; run(); }
  }

  async function show(file, result) {
    const percent = Math.round(100 - (100 * result.size) / file.size);
    const change = percent >= 0 ? texts.smaller : texts.larger;
    note.textContent = say(texts.tried, { before: sizeInWords(file.size), after: sizeInWords(result.size), change: say(change, { percent: Math.abs(percent) }) });
    const element = document.importNode(document.querySelector("[data-try-template]").content.firstElementChild, true);
    const [before, after] = element.querySelectorAll("img");
    before.src = URL.createObjectURL(file);
    after.src = URL.createObjectURL(result);
    const loaded = await Promise.all([before, after].map((image) => image.decode().then(() => true, () => false)));
    if (!loaded[1]) { view.replaceChildren(); return; } // a format that browsers do not show
    if (!loaded[0]) before.closest("figure").remove();
    for (const image of [before, after]) [image.width, image.height] = [after.naturalWidth, after.naturalHeight];
    const frame = element.querySelector("[data-frame]");
    [frame.dataset.width, frame.dataset.height] = [after.naturalWidth, after.naturalHeight];
    view.replaceChildren(element);
    if (loaded[0]) startAll(element);
  }

  // A trial leaves no entry in the history.
  async function forget(job) {
    const answer = await fetch(`/api/v1/jobs/${job}`).catch(() => null);
    if (!answer?.ok) return;
    const { batch } = await answer.json();
    await fetch(`${form.dataset.batches}/${batch}`, { method: "DELETE", headers: { "X-CSRFToken": csrf } }).catch(() => null);
  }

  async function said(blob) {
    try { return JSON.parse(await blob.text()).detail; } catch { return null; }
  }

  return { changed };
}
