// The reference: Swagger UI in the colours of the site, calling the API with the page's session.

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
 * Without what the page says itself, and without links inside of buttons.
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
