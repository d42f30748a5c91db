// The form of the convert page, its limits and its state.

import { maybe, one } from "./dom.js";

export const form = one(document, "[data-convert]", HTMLFormElement);

export const limits = {
  bytes: Number(form.dataset.maxBytes),
  files: Number(form.dataset.maxFiles),
  outputs: Number(form.dataset.maxOutputs),
  preview: Number(form.dataset.oneShot),
};

/** `busy`: files are being sent; `batch`: the URL of the batch, once it exists; `cropping`: the cropper is open. */
export const state = { busy: false, batch: "", cropping: false };

/**
 * @template {Element} T
 * @param {string} name
 * @param {new () => T} kind
 */
export const find = (name, kind) => one(form, `[data-${name}]`, kind);

/**
 * Return a URL from the form's data attributes.
 * @param {string} name
 */
export const address = (name) => form.dataset[name] ?? "";

/** Announce that images or outputs have changed. */
export const changed = () => form.dispatchEvent(new Event("convert:changed"));

/** Announce that the size of an image is known. */
export const measured = () => form.dispatchEvent(new Event("convert:measured"));

// Setting the same text again would make screen readers announce it again.
/** @param {string} text */
export function note(text) {
  const place = find("go-note", HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

/**
 * Show what is wrong, and bring the field that is wrong into view, if any.
 * @param {string} text
 */
export function refuse(text) {
  const place = find("refusal", HTMLElement);
  place.textContent = text;
  place.hidden = false;
  (maybe(form, "[aria-invalid=true]", HTMLElement) ?? place).scrollIntoView({ block: "center" });
}

export function hideRefusal() {
  find("refusal", HTMLElement).hidden = true;
}

/** @param {boolean} yes */
export function setBusy(yes) {
  state.busy = yes;
  find("submit", HTMLButtonElement).disabled = yes;
  find("stop", HTMLElement).hidden = !yes || !state.batch;
  find("progress", HTMLElement).hidden = !yes;
}
