// Shows times in the visitor's time zone; the server uses UTC.

import { all } from "./dom.js";

const { lang } = document.documentElement;
const language = lang === "en" ? "en-GB" : lang; // the English of the site
const whole = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** @param {ParentNode} root */
function localise(root) {
  for (const time of all(root, "time[datetime]", HTMLTimeElement)) {
    const text = whole.format(new Date(time.dateTime));
    time.title = text;
    if (time.dataset.local !== undefined) time.textContent = text;
  }
}

document.addEventListener("htmx:load", (event) => localise(event.detail.elt));
localise(document);
