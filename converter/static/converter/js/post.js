// Posts to the site as whoever is logged in, or as a guest where the page was made for one. The CSRF token changes at log-in, also in another tab: where the one that
// the page came with is refused, the page's own address is asked for the new one, and what was posted is posted again.

import { maybe, one } from "./dom.js";

/** @param {ParentNode} form */
const tokenIn = (form) => one(form, "[name=csrfmiddlewaretoken]", HTMLInputElement).value;

/** @param {HTMLFormElement} form */
export function poster(form) {
  let token = tokenIn(form);
  const isGuests = form.dataset.guest !== undefined;
  /** @type {Record<string, string>} */
  const always = isGuests ? { "X-Guest": "1" } : {};

  /**
   * @param {string} url
   * @param {BodyInit} body
   * @param {Record<string, string>} [headers]
   * @param {string} [method]
   */
  async function post(url, body, headers = {}, method = "POST") {
    const keepalive = method === "DELETE"; // also of a page that is being left
    const attempt = () => fetch(url, { method, keepalive, headers: { "X-CSRFToken": token, ...always, ...headers }, body }).catch(() => null);
    const answer = await attempt();
    return answer?.status === 403 && (await renew()) ? attempt() : answer;
  }

  // False where nobody is logged in any more: the log-in page comes instead, or the page of a guest.
  async function renew() {
    const answer = await fetch(location.href).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const same = page && maybe(page, "[data-convert]", HTMLFormElement);
    if (!same || (same.dataset.guest !== undefined && !isGuests)) return false;
    token = tokenIn(same);
    return true;
  }

  return post;
}
