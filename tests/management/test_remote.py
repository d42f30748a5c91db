"""Conversion through the API of a running site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import make_photo
from tests.server import ROOT, Account

pytestmark = pytest.mark.system

OWNER = "owner_id = (SELECT id FROM accounts_user WHERE email = 'laptop@example.org')"
Convert = Callable[..., Any]


@pytest.fixture
def site(running_site: dict[str, Account]) -> Account:
    return running_site["laptop"]


@pytest.fixture
def convert(site: Account, tmp_path: Path) -> Convert:
    def convert(
        *words: Any, token: str = site.token, url: str = site.url
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", "convert", *map(str, words), "--server", url, "--json"],
            cwd=tmp_path,
            env={**os.environ, "TOKEN": token, "DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return convert


def test_a_site_converts_as_this_machine_does(site: Account, convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "it's ö.jpg").write_bytes(make_photo(300, 200))
    (tmp_path / "in" / "sub" / "b.png").write_bytes(make_photo(30, 20, "PNG"))
    (tmp_path / "in" / "broken.jpg").write_bytes(make_photo()[:300])
    (tmp_path / "logo.png").write_bytes(make_photo(8, 8, "PNG"))
    os.utime(tmp_path / "in" / "it's ö.jpg", (10**9, 10**9))
    done = convert("in", "-o", "out", "--to", "webp", "--resize", "100x", "--watermark-image", "logo.png")
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("CommandError: 1 failed:"), "Logs, or even links, beside the result."
    lines = {Path(line["source"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert lines["broken.jpg"]["error"]["code"] == "truncated"
    assert lines["b.png"]["report"]["encoder"]["name"]
    with Image.open(tmp_path / "out" / "it's ö.webp") as image:
        assert (image.format, image.width) == ("WEBP", 100)
    assert (tmp_path / "out" / "it's ö.webp").stat().st_mtime == 10**9
    assert (tmp_path / "out" / "sub" / "b.webp").exists()
    assert not site.server.rows(f"SELECT id FROM converter_batch WHERE {OWNER}")
    left = site.server.rows(f"SELECT name FROM converter_upload WHERE deleted_at IS NULL AND {OWNER}")
    assert left == [("logo.png",)]  # which expires


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "Set TOKEN"), ("img_wrong", "unknown, expired or revoked"), ("reader", "read-only")],
)
def test_an_invalid_token_is_reported(
    site: Account, convert: Convert, tmp_path: Path, token: str, said: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(make_photo())
    done = convert("a.jpg", "-o", "out", "--to", "webp", token=site.reader if token == "reader" else token)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://nowhere.invalid", "--server must be a URL that begins with https:// or http://."),
        ("nowhere.invalid", "--server must be a URL that begins with https:// or http://."),
        ("http://[x", "--server must be a URL that begins with https:// or http://."),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/api/v1/ cannot be reached: Connection refused."),
    ],
)
def test_an_unreachable_site_is_reported_in_one_line(
    convert: Convert, tmp_path: Path, url: str, said: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(make_photo())
    done = convert("a.jpg", "-o", "out", "--to", "webp", url=url)
    assert (done.returncode, done.stderr) == (2, f"CommandError: {said}\n")


@pytest.mark.parametrize("token", ["img_secret\nx", "img_secr\u00e9t"])
def test_a_malformed_token_is_reported_and_not_shown(convert: Convert, tmp_path: Path, token: str) -> None:
    (tmp_path / "a.jpg").write_bytes(make_photo())
    done = convert("a.jpg", "-o", "out", "--to", "webp", token=token)
    assert done.returncode == 2
    assert done.stderr == "CommandError: The token contains characters that no token has.\n"


@pytest.mark.slow
def test_images_are_joined_on_the_site(convert: Convert, tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(make_photo(30, 20, "PNG"))
    done = convert("1.png", "2.png", "--join", "all.pdf", "--page", "a4")
    said = json.loads(done.stdout)
    assert (done.returncode, said["report"]["frames"]) == (0, {"in": 2, "kept": 2})
    assert (tmp_path / "all.pdf").read_bytes().startswith(b"%PDF")
    (tmp_path / "3.png").write_bytes(b"no image")
    failed = convert("1.png", "3.png", "--join", "not.pdf")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["error"]["message"].startswith("3.png: ")


@pytest.mark.slow
def test_each_page_becomes_a_file_on_the_site(convert: Convert, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (9, 9), color) for color in ("red", "blue"))
    first.save(tmp_path / "scan.tif", save_all=True, append_images=[second])
    done = convert("scan.tif", "-o", "out", "--to", "png", "--frames", "each")
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan-001.png", "scan-002.png"]
    with Image.open(tmp_path / "out" / "scan-002.png") as image:
        assert image.convert("RGB").getpixel((4, 4)) == (0, 0, 255)


@pytest.mark.slow
def test_a_site_makes_every_output_of_a_recipe(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(make_photo(40, 30))
    recipe = tmp_path / "set.json"
    recipe.write_text(json.dumps([{"format": "webp", "resize": {"width": side}} for side in (8, 16)]))
    answer = convert("a.jpg", "-o", "out", "--recipe", recipe)
    assert answer.returncode == 0, answer.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a-8.webp", "a-16.webp"}
