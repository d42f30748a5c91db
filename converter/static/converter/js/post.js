// Posts to the site as whoever is logged in. The CSRF token changes at log-in, also in another tab: where the one that
// the page came with is refused, the page's own address is asked for the new one, and what was posted is posted again.

export function poster(form) {
  let token = tokenIn(form);

  async function post(url, body, headers = {}) {
    const attempt = () => fetch(url, { method: "POST", headers: { "X-CSRFToken": token, ...headers }, body }).catch(() => null);
    const answer = await attempt();
    return answer?.status === 403 && (await renew()) ? attempt() : answer;
  }

  // False where nobody is logged in: the log-in page comes instead.
  async function renew() {
    const answer = await fetch(location.href).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const same = page?.querySelector("[data-convert]");
    if (same) token = tokenIn(same);
    return Boolean(same);
  }

  return post;
}

function tokenIn(form) {
  return form.querySelector("[name=csrfmiddlewaretoken]").value;
}
