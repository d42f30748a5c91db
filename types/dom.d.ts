// What TypeScript cannot know of the pages.

// Which element a selector finds is said by the template, not by the script.
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}

// Chromium has it, Firefox and Safari do not.
interface Navigator {
  readonly connection?: { readonly saveData: boolean };
}

// What htmx sends.
interface DocumentEventMap {
  "htmx:load": CustomEvent<{ elt: HTMLElement }>;
  "htmx:beforeSwap": CustomEvent<{ xhr: XMLHttpRequest; pathInfo: { requestPath: string }; shouldSwap: boolean }>;
}
