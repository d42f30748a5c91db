"""Dragging with two fingers: only the first counts until it is lifted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import make_photo
from tests.e2e.site import Visit, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]


class Fingers:
    """Numbered fingers at positions on an element, given as fractions of its sides."""

    def __init__(self, page: Page) -> None:
        self.wire = page.context.new_cdp_session(page)
        self.down: dict[int, dict[str, float]] = {}

    def put(self, finger: int, on: Locator, x: float, y: float) -> None:
        kind = "touchMove" if finger in self.down else "touchStart"
        box = on.bounding_box()
        assert box
        place = {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}
        self.down[finger] = {**place, "id": finger}
        self._tell(kind)

    def lift(self, finger: int) -> None:
        del self.down[finger]
        self._tell("touchMove" if self.down else "touchEnd")  # which lifts the missing finger

    def _tell(self, kind: str) -> None:
        points = list(self.down.values())
        self.wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def page(visit: Visit) -> Page:
    """Return the convert page on a phone, with a photo that fills 100×100, and its preview."""
    page = visit(width="phone", has_touch=True, is_mobile=True)
    page.locator("#id_images").set_input_files(photo("a.jpg", make_photo(60, 40)))
    for name in ("width", "height"):
        page.locator(f"[name='outputs-0-resize.{name}']").fill("100")
    page.locator("[name='outputs-0-resize.mode']").select_option("fill")
    expect(page.locator("[data-point-start]")).to_be_enabled()
    return page


def test_a_second_finger_moves_no_focal_point(page: Page) -> None:
    page.locator("[data-point-start]").click()
    place, frame = page.locator("[data-point-place]"), page.locator("[data-point-frame]")
    expect(page.locator("[data-point-dot]")).to_be_focused()
    fingers = Fingers(page)
    fingers.put(1, frame, 0.2, 0.2)
    fingers.put(2, frame, 0.8, 0.8)
    fingers.put(2, frame, 0.9, 0.6)
    expect(place).to_have_text("Focal point: 20% across, 20% down")
    fingers.lift(2)
    fingers.put(1, frame, 0.4, 0.3)
    expect(place).to_have_text("Focal point: 40% across, 30% down")
    fingers.lift(1)
    fingers.put(2, frame, 0.7, 0.5)
    expect(place).to_have_text("Focal point: 70% across, 50% down")


def test_a_second_finger_moves_no_crop(page: Page) -> None:
    page.locator("[data-crop-start]").click()
    box, frame = page.locator("[data-crop-box]"), page.locator("[data-crop-frame]")
    expect(box).to_be_focused()
    left, width = page.locator("[data-crop-number=x]"), page.locator("[data-crop-number=width]")
    expect(width).to_have_value("40")  # the output is square
    fingers = Fingers(page)
    fingers.put(1, frame, 0.5, 0.5)
    fingers.put(1, frame, 0.4, 0.5)
    expect(left).to_have_value("4")
    fingers.put(2, page.locator("[data-handle=e]"), 0.5, 0.5)
    fingers.put(2, frame, 0.4, 0.5)
    fingers.lift(2)
    expect(width).to_have_value("40")
    expect(left).to_have_value("4")
    fingers.put(1, frame, 0.6, 0.5)
    expect(left).to_have_value("16")
    fingers.lift(1)
    fingers.put(2, frame, 0.6, 0.5)
    fingers.put(2, frame, 0.5, 0.5)
    expect(left).to_have_value("10")


def test_a_second_finger_moves_neither_the_line_nor_the_watermark(page: Page) -> None:
    line, frame = page.locator(".try [data-range]"), page.locator(".try [data-frame]")
    page.get_by_text("More options").click()
    page.locator("[name='outputs-0-watermark.text']").fill("Mine")
    mark = page.locator("[data-mark]")
    expect(mark).to_be_visible()
    frame.scroll_into_view_if_needed()
    fingers = Fingers(page)
    fingers.put(1, frame, 0.2, 0.2)
    fingers.put(2, frame, 0.6, 0.3)
    expect(line).to_have_value("20")
    fingers.lift(2)
    fingers.lift(1)
    fingers.put(1, mark, 0.5, 0.5)
    fingers.put(2, mark, 0.6, 0.6)
    fingers.put(1, frame, 0.5, 0.5)
    fingers.lift(2)
    fingers.put(1, frame, 0.1, 0.1)
    fingers.lift(1)
    expect(page.locator("[name='outputs-0-watermark.position']")).to_have_value("top_left")
