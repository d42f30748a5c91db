// The API reference: Swagger UI with the site's colour scheme, calling the API with the session of the page.

import { one } from "./dom.js";

const target = one(document, "#reference", HTMLElement);
const settings = JSON.parse(one(document, "#reference-settings", HTMLScriptElement).textContent ?? "{}");
const dark = matchMedia("(prefers-color-scheme: dark)");

const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

/** @param {{ headers: Record<string, string> }} request */
function signed(request) {
  request.headers["X-CSRFToken"] = target.dataset.csrfToken ?? "";
  return request;
}

/**
 * Hide what the page itself shows, and render no links inside buttons.
 * @param {{ React: any }} system
 */
const frame = ({ React }) => ({
  wrapComponents: {
    InfoContainer: () => () => null,
    ServersContainer: () => () => null,
    DeepLink: () => (/** @type {{ text: unknown }} */ { text }) => React.createElement("span", null, text),
  },
});

const { SwaggerUIBundle } = /** @type {{ SwaggerUIBundle: any }} */ (/** @type {unknown} */ (window));
SwaggerUIBundle({
  ...settings,
  dom_id: "#reference",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [frame],
  deepLinking: true,
  syntaxHighlight: { activated: false },
  requestInterceptor: signed,
});
