// Starts the download as soon as the file is ready.

import { maybe } from "./dom.js";

document.addEventListener("htmx:load", (event) => maybe(event.detail.elt, "[data-download]", HTMLElement)?.click());
