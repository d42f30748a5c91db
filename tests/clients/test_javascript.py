"""The types for JavaScript, and the example that uses them against the running server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.clients import openapi
from tests.conftest import make_photo
from tests.receiver import receiver
from tests.server import ROOT, Account

pytestmark = pytest.mark.system


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(openapi.document())
    words: list[str | Path] = ["--default-non-nullable=false", "--output", tmp_path / "made.d.ts"]
    program = ROOT / "node_modules/.bin/openapi-typescript"
    assert program.exists(), "run `make check`, which installs it"
    subprocess.run([program, document, *words], check=True, capture_output=True)
    made, kept = (
        path.read_text() for path in (tmp_path / "made.d.ts", ROOT / "clients/javascript/imagesite.d.ts")
    )
    assert made == kept, "run `make client-types`"


def test_the_example_converts_a_file(site: Account, tmp_path: Path) -> None:
    (tmp_path / "ö.jpg").write_bytes(make_photo(300, 200))
    environment = {**os.environ, "IMAGESITE_URL": site.url, "IMAGESITE_TOKEN": site.token}
    words: list[str | Path] = ["node", ROOT / "clients/javascript/convert.mjs", "ö.jpg", "small.webp"]

    def convert(recipe: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, recipe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    done = convert('{"format": "webp", "resize": {"width": 100}}')
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "small.webp") as image:
        assert (image.format, image.width) == ("WEBP", 100)
    refused = convert('{"format": "webp", "quality": 101}')
    assert refused.returncode == 1
    assert refused.stderr == "Quality must be a whole number from 1 to 100. (invalid_recipe)\n"
    words[2] = "missing.jpg"
    assert convert("{}").stderr == "missing.jpg: ENOENT: no such file or directory, open 'missing.jpg'\n"
    words[2] = str(tmp_path)
    assert convert("{}").stderr.startswith(f"{tmp_path}: EISDIR: ")
    words[2] = "empty.jpg"
    (tmp_path / "empty.jpg").touch()
    assert convert('{"format": "webp"}').stderr == "empty.jpg is empty. (empty_file)\n"


def test_the_example_knows_a_site_under_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    with receiver() as site:
        environment = {**os.environ, "IMAGESITE_URL": f"{site.url}/images", "IMAGESITE_TOKEN": "t"}
        site.answers["/images/api/v1/batches"] = (422, {}, b'{"detail": "No.", "code": "no"}')
        words: list[str | Path] = ["node", ROOT / "clients/javascript/convert.mjs", "a.jpg", "b.webp"]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert done.stderr == "No. (no)\n"
    assert [asked.path for asked in site.asked] == ["/images/api/v1/batches"]
