// What TypeScript cannot know of the pages.

// Chromium has it, Firefox and Safari do not.
interface Navigator {
  readonly connection?: { readonly saveData: boolean };
}

// What the site puts before its service worker.
declare const site: {
  isOff: boolean; cache: string; kept: string[]; offline: string; pages: string[]; share: string; taker: string;
};

// What htmx sends.
interface DocumentEventMap {
  "htmx:load": CustomEvent<{ elt: HTMLElement }>;
  "htmx:beforeSwap": CustomEvent<{ xhr: XMLHttpRequest; pathInfo: { requestPath: string }; shouldSwap: boolean }>;
}
