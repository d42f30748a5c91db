// Closes the account menu on Escape, which focuses its button, and when something outside is used. Logging out forgets chosen images.

for (const menu of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.menu"))) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  for (const type of ["pointerdown", "focusin"]) {
    document.addEventListener(type, ({ target }) => {
      if (target instanceof Node && !menu.contains(target)) menu.open = false;
    });
  }
}
for (const form of document.querySelectorAll("[data-log-out]")) form.addEventListener("submit", () => sessionStorage.removeItem("chosen"));
