"""The pages of a batch that joins its images into one document."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from converter import engine, jobs, storage
from converter.models import Batch
from tests.fakes import RecordingDispatch
from tests.web.conftest import FORM, sent

MOST_QUERIES = 12

pytestmark = pytest.mark.django_db(transaction=True)


def png(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(data, "PNG")
    return data.getvalue()


def join(owner: Any, worker: RecordingDispatch, contents: dict[str, bytes | None]) -> Batch:
    """Return a batch in which the images with contents have been sent."""
    files = [jobs.NewFile(name, 9000) for name in contents]
    recipe = engine.Recipe.parse({"format": "pdf"})
    batch = jobs.submit.submit(owner, files=files, outputs=[recipe], join=True)
    for upload, content in zip(batch.jobs.get().uploads, contents.values(), strict=True):
        if content:
            storage.uploads.put(upload.key, io.BytesIO(content), filename="", content_type="")
    worker.work()
    return batch


@pytest.mark.long
@pytest.mark.parametrize(
    "last", [png("lime"), b"no image", None], ids=["finished", "failed", "awaiting the last"]
)
def test_its_pages_show_all_images_and_cost_little(
    page: Client,
    alice: Any,
    worker: RecordingDispatch,
    last: bytes | None,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    names = [f"{n}.png" for n in range(9)]
    batch = join(alice, worker, {**dict.fromkeys(names, png("red")), "last.png": last})
    job = batch.jobs.get()
    for address in ("/batches/", f"/batches/{batch.pk}/", f"/jobs/{job.pk}/"):
        with django_assert_max_num_queries(MOST_QUERIES):
            assert page.get(address).status_code == 200
    assert "10 images" in page.get(f"/batches/{batch.pk}/").content.decode()
    assert "and 9 more images" in page.get("/batches/").content.decode()


@pytest.mark.long
def test_the_history_finds_it_by_any_of_its_images(
    page: Client, alice: Any, worker: RecordingDispatch
) -> None:
    batch = join(alice, worker, {"cover.png": png("red"), "receipt.png": png("blue")})
    assert str(batch.pk) in page.get("/batches/?q=receipt").content.decode()
    assert str(batch.pk) not in page.get("/batches/?q=invoice").content.decode()


@pytest.mark.long
def test_the_form_joins_where_it_can(page: Client, alice: Any, worker: RecordingDispatch) -> None:
    def send(format: str, **more: str) -> Batch:
        images = [sent("a.png", png("red")), sent("b.png", png("blue"))]
        body = {**FORM, "outputs-0-format": format, **more}
        assert page.post("/convert/", {**body, "images": images}).status_code == 302
        worker.work()
        return Batch.objects.latest("created_at")

    assert [job.images for job in send("pdf", join="on").jobs.all()] == [2]
    assert [job.images for job in send("pdf").jobs.all()] == [1, 1]
    assert [job.images for job in send("png", join="on").jobs.all()] == [1, 1]


@pytest.mark.long
def test_without_a_bad_image_it_is_made_again(page: Client, alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, worker, {"a.png": png("red"), "bad.png": b"no image", "c.png": png("blue")})
    job = batch.jobs.get()
    bad = job.uploads[1]
    link = f"/convert/?job={job.pk}&amp;without={bad.pk}"
    assert link in page.get(f"/batches/{batch.pk}/").content.decode()
    assert link in page.get(f"/jobs/{job.pk}/").content.decode()
    offered = page.get(link.replace("&amp;", "&")).content.decode()
    assert [f'value="{upload.pk}"' in offered for upload in job.uploads] == [True, False, True]


@pytest.mark.long
def test_all_of_a_batch_can_be_joined_again_in_the_same_order(
    page: Client, alice: Any, worker: RecordingDispatch
) -> None:
    batch = join(alice, worker, {"b.png": png("red"), "a.png": png("blue")})
    offered = page.get(f"/convert/?batch={batch.pk}").content.decode()
    places = [offered.index(str(upload.pk)) for upload in batch.jobs.get().uploads]
    assert places == sorted(places)
    assert re.search(r'<input[^>]*name="join"[^>]* checked', offered)
