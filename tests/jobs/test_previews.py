from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from converter import jobs, storage
from converter.engine import Recipe
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


@pytest.mark.parametrize("output", ["webp", "tiff", "pdf"])
def test_previews_are_made_on_request(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, output: str
) -> None:
    recipe = Recipe.parse({"format": output, "rotate": 90, "resize": {"mode": "fit", "width": 30}})
    batch = submit(alice, "a.jpg", outputs=(recipe,))
    send(batch, photo)
    worker.work()
    assert jobs.preview_urls(the_job(batch)) is None
    assert worker.work() == 1
    job = the_job(batch)
    assert jobs.preview_urls(job)
    before = Image.open(io.BytesIO(storage.results.read(job.before_key)[0]))
    assert before.size == (job.result_width, job.result_height)


def test_an_image_on_a_page_is_not_distorted(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    recipe = Recipe.parse({"format": "pdf", "page": "a4", "orientation": "portrait", "background": "#00ff00"})
    batch = submit(alice, "a.jpg", outputs=(recipe,))
    send(batch, photo)
    worker.work()
    jobs.preview_urls(the_job(batch))
    worker.work()
    after = Image.open(io.BytesIO(storage.results.read(the_job(batch).after_key)[0])).convert("RGB")
    column = [after.getpixel((after.width // 2, y)) for y in range(after.height)]
    free = sum(pixel[1] > 200 and pixel[0] < 90 and pixel[2] < 90 for pixel in column)  # type: ignore[index]
    # The photo is 4:3, A4 landscape is 297:210: the height is three quarters of the width.
    assert free / after.height == pytest.approx(1 - 0.75 * 210 / 297, abs=0.06)


def test_a_preview_is_cropped_around_the_focal_point(
    alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    image = Image.new("RGB", (90, 30), "blue")
    image.paste("red", (0, 0, 30, 30))
    file = io.BytesIO()
    image.save(file, "PNG")
    recipe = Recipe.parse(
        {
            "format": "tiff",
            "resize": {"mode": "fill", "width": 30, "height": 30},
            "focal_point": {"x": 1 / 6, "y": 0.5},
        }
    )
    batch = submit(alice, "a.png", outputs=(recipe,))
    send(batch, file.getvalue())
    worker.work()
    jobs.preview_urls(the_job(batch))
    worker.work()
    job = the_job(batch)
    for key in (job.before_key, job.after_key):
        seen = Image.open(io.BytesIO(storage.results.read(key)[0])).convert("RGB")
        assert seen.size == (30, 30)
        for place in ((2, 15), (27, 15)):
            red, _green, blue = seen.getpixel(place)  # type: ignore[misc]
            assert red > 200
            assert blue < 60


def test_an_image_filled_around_a_point_has_a_preview_on_its_page(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    fill = {"resize": {"mode": "fill", "width": 30, "height": 30}, "focal_point": {"x": 0, "y": 0}}
    batch = submit(alice, "a.jpg", outputs=(Recipe.parse({"format": "pdf", "page": "a4", **fill}),))
    send(batch, photo)
    worker.work()
    jobs.preview_urls(the_job(batch))
    worker.work()
    assert storage.results.read(the_job(batch).after_key)[0]
