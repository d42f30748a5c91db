// Declarations for the pages that TypeScript lacks.

// Supported by Chromium, but not by Firefox and Safari.
interface Navigator {
  readonly connection?: { readonly saveData: boolean };
}

// The Navigation API, which older browsers lack.
interface NavigateEvent extends Event {
  readonly destination: { readonly url: string; readonly sameDocument: boolean };
  readonly downloadRequest: string | null;
}
interface Window {
  readonly navigation?: { addEventListener(type: "navigate", listener: (event: NavigateEvent) => void): void };
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
