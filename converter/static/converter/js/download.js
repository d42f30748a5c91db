// Begins the download as soon as what was waited for is ready.

import { maybe } from "./dom.js";

document.addEventListener("htmx:load", (event) => maybe(event.detail.elt, "[data-download]", HTMLElement)?.click());
