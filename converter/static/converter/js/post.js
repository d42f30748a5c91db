// Sends POST requests as the logged-in user, or as a guest if the page was rendered for one. The CSRF token changes at log-in, even in another
// tab: if the token is rejected, fetch the page again for a new token and retry the request.

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
    const keepalive = method === "DELETE"; // the request must outlive the page
    const attempt = () => fetch(url, { method, keepalive, headers: { "X-CSRFToken": token, ...always, ...headers }, body }).catch(() => null);
    const answer = await attempt();
    return answer?.status === 403 && (await renew()) ? attempt() : answer;
  }

  // Return false if the session has ended: the response is then the log-in page or a guest's page.
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
