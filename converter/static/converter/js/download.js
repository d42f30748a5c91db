// Begins the download as soon as what was waited for is ready.
document.addEventListener("htmx:load", (event) => event.detail.elt.querySelector("[data-download]")?.click());
