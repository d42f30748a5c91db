"""The set of icons for a website from one image: the files, the HTML for the head, and the manifest."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from PIL import Image

from converter import jobs, storage
from converter.jobs.names import result_paths
from converter.models import Batch, Job, Upload
from converter.web.starters import STARTERS
from tests.conftest import text
from tests.fakes import RecordingDispatch
from tests.web.conftest import submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def icons(alice: Any, send: Callable[..., None], worker: RecordingDispatch) -> Batch:
    """Icons from the starter recipe, of a red shape on a transparent background, wider than high."""
    file = io.BytesIO()
    mark = Image.new("RGBA", (300, 200))
    mark.paste((224, 16, 16, 255), (100, 50, 200, 150))
    mark.save(file, "PNG")
    batch = submit(alice, file.getvalue(), recipes=STARTERS["favicon"].recipes)
    send(batch, file.getvalue())
    worker.work()
    return batch


NAMES = {"favicon.ico", "apple-touch-icon.png", "icon-192.png", "icon-512.png", "icon-512-maskable.png"}


def test_the_files_have_the_names_that_sites_look_for(icons: Batch) -> None:
    files = unpacked(icons)
    assert set(files) == {*NAMES, "site.webmanifest", "snippet.html", "manifest.csv"}
    links = links_of(files["snippet.html"].decode())
    assert links == {
        "icon": "favicon.ico",
        "apple-touch-icon": "apple-touch-icon.png",
        "manifest": "site.webmanifest",
    }
    assert {job.result_name for job in icons.jobs.all()} == NAMES


def test_the_manifest_is_named_after_the_image(icons: Batch) -> None:
    stem = icons.jobs.all()[0].upload.name.rpartition(".")[0]
    manifest = json.loads(unpacked(icons)["site.webmanifest"])
    assert (manifest["name"], manifest["short_name"]) == (stem, stem)


def test_a_chosen_pattern_names_icons_too(icons: Batch) -> None:
    Batch.objects.filter(pk=icons.pk).update(name_pattern="{name}-{width}.{ext}")
    icons.refresh_from_db()
    stem = icons.jobs.all()[0].upload.name.rpartition(".")[0]
    files = unpacked(icons)
    assert {f"{stem}-192.png", f"{stem}-256.ico", f"{stem}-256.webmanifest"} <= set(files)


def test_sets_of_several_images_have_folders(icons: Batch) -> None:
    first = icons.jobs.all()[0]
    other = Upload.objects.get(pk=first.upload_id)
    other.pk, other.name = uuid.uuid4(), "other.png"
    copies = [
        Job(upload=other, batch=icons, recipe=job.recipe, result_format=job.result_format, status=job.status)
        for job in icons.jobs.all()
    ]
    paths = result_paths([*icons.jobs.select_related("upload", "batch"), *copies])
    stem = first.upload.name.rpartition(".")[0]
    assert set(paths.values()) == {f"{folder}/{name}" for folder in (stem, "other") for name in NAMES}


def unpacked(batch: Batch) -> dict[str, bytes]:
    jobs.zip_url(batch)
    jobs.make_zip(batch.pk)
    batch.refresh_from_db()
    data, _ = storage.results.read(batch.zip_key)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def links_of(html: str) -> dict[str, str]:
    return {rel: unquote(path) for rel, path in re.findall(r'<link rel="([^"]+)" href="([^"]+)">', html)}


@pytest.mark.long
def test_the_lines_for_the_head_name_what_is_in_the_zip(icons: Batch, page: Client) -> None:
    files = unpacked(icons)
    links = links_of(files["snippet.html"].decode())
    assert set(links) == {"icon", "apple-touch-icon", "manifest"}
    assert set(links.values()) <= set(files)
    with Image.open(io.BytesIO(files[links["icon"]])) as icon:
        assert icon.format == "ICO"
        assert {(16, 16), (32, 32), (256, 256)} <= icon.info["sizes"]
    with Image.open(io.BytesIO(files[links["apple-touch-icon"]])) as icon:
        assert (icon.format, icon.size) == ("PNG", (180, 180))
        assert not icon.has_transparency_data  # iOS shows transparent pixels as black
    assert "&lt;link rel=&quot;apple-touch-icon&quot;" in text(page.get(f"/batches/{icons.pk}/"))


@pytest.mark.long
def test_the_manifest_names_the_icons_of_an_app(icons: Batch) -> None:
    files = unpacked(icons)
    manifest = json.loads(files[links_of(files["snippet.html"].decode())["manifest"]])
    found = {(icon["sizes"], icon.get("purpose")): files[unquote(icon["src"])] for icon in manifest["icons"]}
    assert set(found) == {("192x192", None), ("512x512", None), ("512x512", "maskable")}
    for (sizes, purpose), data in found.items():
        with Image.open(io.BytesIO(data)) as icon:
            assert "x".join(map(str, icon.size)) == sizes
            assert icon.has_transparency_data == (purpose is None)


@pytest.mark.long
def test_a_maskable_icon_survives_the_mask(icons: Batch) -> None:
    """The shape is within the circle of 40 % of the side: www.w3.org/TR/appmanifest, icon masks."""
    files = unpacked(icons)
    manifest = json.loads(files[links_of(files["snippet.html"].decode())["manifest"]])
    (name,) = [unquote(icon["src"]) for icon in manifest["icons"] if icon.get("purpose")]
    with Image.open(io.BytesIO(files[name])) as opened:
        image = opened.convert("RGB")
    assert image.getpixel((256, 256)) == (224, 16, 16)
    for x in range(0, 512, 8):
        for y in range(0, 512, 8):
            if (x - 256) ** 2 + (y - 256) ** 2 > (0.4 * 512) ** 2:
                assert image.getpixel((x, y)) == (255, 255, 255)


def test_other_sets_have_no_manifest(
    alice: Any, send: Callable[..., None], worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, photo, recipes=[{"format": "png"}, {"format": "webp"}])
    send(batch, photo)
    worker.work()
    files = unpacked(batch)
    assert not [name for name in files if name.endswith(".webmanifest")]
    assert "<picture>" in files["snippet.html"].decode()
