"""Checks for every page: accessibility, fit, weight and layout stability."""

from __future__ import annotations

import gzip
import re
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.e2e.site import PICTURES, SIZES

RULES: dict[str, Any] = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
RUN_AXE = "(options) => axe.run({...options, resultTypes: ['violations']}).then((found) => found.violations)"
MOST_BYTES = 60_000
MOST_SHIFT = 0.02

UNTIL_STILL = """() => Promise.allSettled(document.getAnimations()
    .filter((one) => one instanceof CSSTransition).map((one) => one.finished)).then(() => null)"""
"""Wait for animations: links in the admin fade to their new colours."""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TOO_SMALL = """() => [...document.querySelectorAll(
        "button, select, .button, nav a, summary, input:not([type=checkbox], [type=radio], [type=file], [type=hidden])")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 1)
    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect().height])
    .filter(([, height]) => height < 43.5)"""
WEIGHT = """() => {
    const isPicture = (one) => one.initiatorType === "img" || /[.](svg|jpg|webp)([?]|$)/.test(one.name);
    const loaded = performance.getEntriesByType("resource").filter((one) => !isPicture(one));
    return loaded.reduce((sum, one) => sum + one.encodedBodySize, 0);
}"""
SHIFT = """() => new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => resolve(sum), 50);
})"""
SCHEMES = {"phone": "light", "desktop": "dark"}
"""The colour scheme in which axe runs at each width."""


def look(page: Page, where: str, *, small: bool = True, rules: dict[str, Any] = RULES) -> None:
    """Fail if axe finds a violation or the page overflows; save screenshots."""
    found = []
    page.wait_for_load_state()
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.evaluate(AXE_SCRIPT)
    for name, (width, height) in SIZES.items():
        page.emulate_media(color_scheme=SCHEMES[name], reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => scrollTo({top: 0, behavior: 'instant'})")  # floating elements would hide others
        page.evaluate(UNTIL_STILL)
        if over := page.evaluate(TOO_WIDE):
            found.append(f"{over} px too wide on the {name}")
        for fault in page.evaluate(RUN_AXE, rules):
            nodes = [(node["target"], node["failureSummary"]) for node in fault["nodes"][:3]]
            found.append(f"{name}, {SCHEMES[name]}: {fault['id']} {nodes}")
        if name == "phone" and small:
            found += [f"only {height} px high: {start}" for start, height in page.evaluate(TOO_SMALL)]
        file = re.sub(r"\W+", "-", where).strip("-") or "start"
        page.screenshot(path=PICTURES / f"{file}-{name}.png", full_page=True)
    assert not found, "\n".join([where, *found])


def weigh(page: Page, path: str) -> None:
    """Fail if a newly opened page is too heavy or shifted while loading. HTML counts as compressed."""
    rest = page.evaluate(WEIGHT)
    weight = len(gzip.compress(page.content().encode())) + rest
    assert rest, "no style sheet?"
    assert weight < MOST_BYTES, f"{path} weighs {weight} bytes"
    stand_still(page, path)


def stand_still(page: Page, path: str) -> None:
    """Fail if the layout of a newly opened page shifted while loading."""
    shift = page.evaluate(SHIFT)
    assert shift < MOST_SHIFT, f"{path} moves by {shift}"
