// Declarations for the pages that TypeScript lacks.

// Supported by Chromium, but not by Firefox and Safari.
interface Navigator {
  readonly connection?: { readonly saveData: boolean };
}

// The server defines this before the service worker.
declare const site: {
  isOff: boolean; cache: string; kept: string[]; offline: string; pages: string[]; share: string; taker: string;
};

// Events of htmx.
interface DocumentEventMap {
  "htmx:load": CustomEvent<{ elt: HTMLElement }>;
  "htmx:beforeSwap": CustomEvent<{ xhr: XMLHttpRequest; pathInfo: { requestPath: string }; shouldSwap: boolean }>;
}
