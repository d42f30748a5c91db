// Actions on all results of a batch: download the ZIP, save each file, share, notify.

import { all, around, maybe } from "./dom.js";
import { say } from "./said.js";

const PAUSE = 400; // milliseconds between downloads; browsers drop simultaneous ones
const MOST_SHARED = 20; // files held in memory for the share sheet

/** @param {number} time milliseconds */
const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

const downloads = () => all(document, "[data-result]", HTMLAnchorElement);

/**
 * Poll until the ZIP is ready, then open it. If it failed, the same URL shows the error.
 * @param {HTMLAnchorElement} link
 */
async function zip(link) {
  if (link.getAttribute("aria-busy") === "true") return;
  const text = link.textContent;
  link.setAttribute("aria-busy", "true");
  link.textContent = link.dataset.preparing ?? "";
  for (;;) {
    const answer = await fetch(link.href, { redirect: "manual" }).catch(() => null);
    if (answer?.status !== 202) break;
    await wait(1000);
  }
  link.removeAttribute("aria-busy");
  link.textContent = text;
  location.assign(link.href);
}

async function saveEach() {
  for (const link of downloads()) {
    const save = document.createElement("a");
    Object.assign(save, { href: link.href, download: link.dataset.result });
    save.click();
    await wait(PAUSE);
  }
}

/** @param {HTMLAnchorElement} link */
async function fileOf(link) {
  const blob = await (await fetch(link.href)).blob();
  return new File([blob], link.dataset.result ?? "", { type: link.dataset.type });
}

async function share() {
  const files = await Promise.all(downloads().map(fileOf)).catch(() => []);
  // A rejected promise means that the user closed the share sheet.
  if (files.length && navigator.canShare({ files })) await navigator.share({ files }).catch(() => {});
}

/** @param {HTMLElement} button */
async function notify(button) {
  await Notification.requestPermission();
  button.hidden = true;
}

// After a single conversion the user wants the file: start the download once, automatically.
function fetchMade() {
  const link = maybe(document, "#batch:not([hx-get]) [data-only]", HTMLAnchorElement);
  if (!link || document.readyState !== "complete" || sessionStorage.getItem("made") !== location.pathname) return;
  sessionStorage.removeItem("made");
  link.click();
  const started = link.dataset.only ?? "";
  for (const text of all(document, "[data-tell]", HTMLElement)) text.textContent = started;
  say(started);
}

function offer() {
  const links = downloads();
  const probe = new File([""], "a.jpg", { type: "image/jpeg" });
  const canShare = links.length > 0 && links.length <= MOST_SHARED && navigator.canShare?.({ files: [probe] });
  /** @type {[string, boolean | undefined][]} */
  const offers = [
    ["[data-share-files]", canShare],
    ["[data-save-each]", links.length > 1],
    ["[data-notify]", "Notification" in window && Notification.permission === "default"],
  ];
  for (const [selector, isThere] of offers) {
    const button = maybe(document, selector, HTMLElement);
    if (button) button.hidden = !isThere;
  }
}

document.addEventListener("click", (event) => {
  const link = around(event, "[data-zip]", HTMLAnchorElement);
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    zip(link);
  }
  if (around(event, "[data-save-each]", HTMLElement)) saveEach();
  if (around(event, "[data-share-files]", HTMLElement)) share();
  const button = around(event, "[data-notify]", HTMLElement);
  if (button) notify(button);
});
// Results can be dragged out of the page as files in browsers that support DownloadURL.
document.addEventListener("dragstart", (event) => {
  const link = around(event, "[data-result]", HTMLAnchorElement);
  if (link) event.dataTransfer?.setData("DownloadURL", `${link.dataset.type}:${link.dataset.result}:${link.href}`);
});
document.addEventListener("htmx:load", () => {
  offer();
  fetchMade();
  const done = maybe(document, "#batch:not([hx-get])", HTMLElement);
  const isUnseen = document.hidden && "Notification" in window && Notification.permission === "granted";
  if (done && isUnseen) new Notification(document.title, { body: maybe(done, "[data-tell]", HTMLElement)?.textContent?.trim() });
});
offer();
// Starting a download earlier would abort the page load.
window.addEventListener("load", () => setTimeout(fetchMade));
