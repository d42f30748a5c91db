"""The Python client, against the running server."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from imagesite_client import ApiError, AsyncClient, Client, ConversionError, Progress, Source
from PIL import Image

from tests.conftest import make_photo
from tests.receiver import receiver
from tests.server import ROOT, Account

pytestmark = pytest.mark.system

BATCHES = "SELECT id FROM converter_batch"
SMALL = {"format": "webp", "resize": {"width": 160}}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "it's ö.jpg"
    path.write_bytes(make_photo(1600, 1000))
    return path


def test_a_file_is_converted_saved_and_nothing_is_left(site: Account, photo: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    before = site.server.rows(BATCHES)
    with Client(site.url, site.token) as client:
        result = client.convert(photo, SMALL, progress=told.append)
    assert (result.format, result.width, result.height) == ("webp", 160, 100)
    assert result.report["resized"] == {"from": [1600, 1000], "to": [160, 100]}
    (tmp_path / "out").mkdir()
    saved = result.save(tmp_path / "out")
    with Image.open(saved) as image:
        assert (saved.suffix, image.size) == (".webp", (160, 100))
    assert {one.stage for one in told} == {"uploading", "converting", "downloading"}
    sent = [one for one in told if one.stage == "uploading"]
    assert sent[-1].done == sent[-1].total == photo.stat().st_size
    assert [one.done for one in sent] == sorted(one.done for one in sent)
    assert site.server.rows(BATCHES) == before


def test_asyncio_converts_side_by_side(site: Account, photo: Path) -> None:
    async def convert() -> Any:
        async with AsyncClient(site.url, site.token) as client:
            formats = await client.call("GET", "formats")
            results = await asyncio.gather(
                *(client.convert(photo, {"format": format}) for format in ("webp", "png", "jpeg"))
            )
            return formats, results

    formats, results = asyncio.run(convert())
    assert {"webp", "png"} <= {format["name"] for format in formats["items"]}
    assert [result.format for result in results] == ["webp", "png", "jpeg"]
    for result in results:
        with Image.open(io.BytesIO(result.data)) as image:
            assert image.size == (1600, 1000)


def test_many_images_of_every_kind_come_back_in_order(site: Account, photo: Path) -> None:
    with receiver() as website, Client(site.url, site.token) as client:
        website.answers["/b.jpg"] = (200, {}, make_photo(300, 200))
        sources: list[Source] = [photo, make_photo(30, 20), f"{website.url}/b.jpg"]
        results = client.convert_many(sources, [{"format": "png"}, {"format": "gif"}])
    assert [(result.format, result.width) for result in results] == [
        (format, width) for width in (1600, 30, 300) for format in ("png", "gif")
    ]


def test_several_images_become_one_pdf(site: Account, photo: Path) -> None:
    with Client(site.url, site.token) as client:
        document = client.join([photo, make_photo(30, 20)], {"page": "a4"})
    assert (document.format, document.report["frames"]["kept"]) == ("pdf", 2)
    assert document.data.startswith(b"%PDF")


def test_a_batch_can_be_followed_job_by_job(site: Account, photo: Path) -> None:
    with Client(site.url, site.token) as client:
        batch = client.submit([photo], [SMALL])
        job = client.wait(client.job(batch["jobs"][0]["id"]))
        assert (job.status, client.download(job).width) == ("finished", 160)
        client.call("DELETE", f"batches/{batch['id']}")
        with pytest.raises(ApiError) as refused:
            client.job(job.id)
    assert (refused.value.status, refused.value.code) == (404, "not_found")


@pytest.mark.slow
def test_errors_are_raised_with_their_code(site: Account, photo: Path) -> None:
    with Client(site.url, site.token) as client:
        with pytest.raises(ApiError) as refused:
            client.convert(photo, {"format": "webp", "quality": 101})
        assert refused.value.code == "invalid_recipe"
        assert refused.value.errors[0]["pointer"] == "/outputs/0/quality"
        with pytest.raises(ConversionError) as failed:
            client.convert(make_photo()[:300], SMALL)
        assert failed.value.code == "truncated"
        with pytest.raises(FileNotFoundError):
            client.convert("nowhere.jpg", SMALL)
    with Client(site.url, "img_wrong") as client, pytest.raises(ApiError, match="invalid_token"):
        client.convert(photo, SMALL)


def test_the_action_converts_the_files_of_a_repository(site: Account, tmp_path: Path) -> None:
    """As GitHub runs it, except that the client is already installed."""
    action = yaml.safe_load((ROOT / "clients/action/action.yml").read_text())
    install, convert = action["runs"]["steps"]
    assert "../python" in install["run"]
    (tmp_path / "images" / "sub dir").mkdir(parents=True)
    (tmp_path / "images" / "a.png").write_bytes(make_photo(30, 20, "PNG"))
    (tmp_path / "images" / "sub dir" / "b.png").write_bytes(make_photo(30, 20, "PNG"))
    (tmp_path / "c.jpg").write_bytes(make_photo(30, 20))
    (tmp_path / "imagesite" / "bin").mkdir(parents=True)
    (tmp_path / "imagesite" / "bin" / "python").symlink_to(sys.executable)
    inputs = {name: one.get("default", "") for name, one in action["inputs"].items()}
    inputs |= {"server": site.url, "token": site.token, "files": "images/**/*.png\nc.jpg\n"}
    environment = {
        name: inputs[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, value in convert["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", convert["run"]],
        cwd=tmp_path,
        env={
            **os.environ,
            **environment,
            "RUNNER_TEMP": str(tmp_path),
            "PYTHONPATH": f"{ROOT / 'clients/python'}:{':'.join(sys.path)}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {
        str(path.relative_to(tmp_path / "converted")) for path in (tmp_path / "converted").rglob("*.webp")
    }
    assert made == {"images/a.webp", "images/sub dir/b.webp", "c.webp"}
