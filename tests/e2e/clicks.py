"""Count a user's actions: each click, field and choice is one; choosing files is two (button and dialog)."""

from __future__ import annotations

import time

from playwright.sync_api import Download, FilePayload, Locator, Page


class Clicks:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0
        self.began = time.monotonic()

    def choose(self, files: FilePayload | list[FilePayload], at: str = "#id_images") -> None:
        self.count += 2
        self.page.locator(at).set_input_files(files)

    def click(self, what: Locator) -> None:
        self.count += 1
        what.click()

    def select(self, what: Locator, value: str) -> None:
        self.count += 1
        what.select_option(value)

    def fill(self, what: Locator, value: str) -> None:
        self.count += 1
        what.fill(value)

    def download(self, link: Locator) -> Download:
        """Click on a download link."""
        with self.page.expect_download() as waiting:
            self.click(link)
        return waiting.value

    def report(self, task: str, most: int) -> None:
        """Print the number of actions; fail if it exceeds what the best competitor needs."""
        print(f"{task}: {self.count} clicks, {time.monotonic() - self.began:.1f} s")
        assert self.count <= most, f"{task} takes {self.count} clicks"
