// Receives files shared from a phone, such as photos from its gallery: the service worker holds them until this page asks.

import { add } from "./files.js";
import { address, refuse } from "./page.js";
import { texts } from "./words.js";

const workers = navigator.serviceWorker; // undefined without HTTPS; the page works without it

/** @param {MessageEvent<File[]>} event */
function take({ data }) {
  if (data.length) add(data);
  else refuse(texts.sharedLost);
}

function askForShared() {
  history.replaceState(null, "", location.pathname);
  if (!workers?.controller) {
    refuse(texts.sharedLost);
    return;
  }
  workers.addEventListener("message", take, { once: true });
  workers.startMessages();
  workers.controller.postMessage("shared");
}

if (new URLSearchParams(location.search).has("shared")) askForShared();
if (address("worker")) workers?.register(address("worker")).catch(() => {});
