"""The examples of the API guide work when pasted, against the running server."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.conftest import make_photo
from tests.server import Account

pytestmark = pytest.mark.system

RUN = {
    "code-curl": ("bash", "-euo", "pipefail"),
    "code-python": (sys.executable,),
    "code-javascript": ("node",),
}


def shown(page: str, name: str) -> str:
    """Return the text of a code block, as its Copy button copies it."""
    found = re.search(rf'<code id="{name}">(.*?)</code>', page, re.DOTALL)
    assert found, name
    assert f'data-copy="{name}"' in page
    return html.unescape(found[1]).strip()


@pytest.mark.parametrize("name", RUN)
def test_each_example_converts_a_photo_when_pasted(site: Account, tmp_path: Path, name: str) -> None:
    page = requests.get(f"{site.url}/api/", timeout=20).text
    environment = {**os.environ, "TOKEN": site.token}
    script = tmp_path / "convert.mjs"
    script.write_text(shown(page, name))
    (tmp_path / "photo.jpg").write_bytes(make_photo(300, 200))
    done = subprocess.run(
        [*RUN[name], script.name], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "photo.webp") as image:
        assert (image.format, image.size) == ("WEBP", (300, 200))


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_each_example_says_why_nothing_was_converted(site: Account, tmp_path: Path, name: str) -> None:
    page = requests.get(f"{site.url}/api/", timeout=20).text
    script = tmp_path / "convert.mjs"
    script.write_text(shown(page, name))
    (tmp_path / "photo.jpg").write_bytes(b"no photo")
    done = subprocess.run(
        [*RUN[name], script.name],
        cwd=tmp_path,
        env={**os.environ, "TOKEN": site.token},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    photo = tmp_path / "photo.webp"
    said = done.stdout + done.stderr + (photo.read_text() if photo.exists() else "")
    assert "not_an_image" in said


def test_the_token_is_set_as_the_guide_says(site: Account) -> None:
    page = requests.get(f"{site.url}/api/", timeout=20).text
    line = shown(page, "export").replace("your token", site.token)
    done = subprocess.run(
        ["bash", "-c", f'{line}\nprintf %s "$TOKEN"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == site.token
