"""The commands of README and docs/api.md work when pasted in order, against a running server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import make_photo
from tests.server import ROOT, Server

pytestmark = [pytest.mark.slow, pytest.mark.system]

READER = """
from imagesite.accounts.models import User
User.objects.create_user("you@example.org")
"""
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def server(tmp_path: Path, new_site: Path) -> Iterator[Server]:
    with Server(tmp_path / "data", like=new_site) as server:
        server.python(READER)
        server.start()
        yield server


def blocks(document: str) -> list[tuple[str, str]]:  # language, text
    return BLOCK.findall((ROOT / document).read_text())


def test_commands_in_the_docs_work_when_pasted(server: Server, tmp_path: Path) -> None:
    readme, guide = blocks("README.md"), blocks("docs/api.md")
    assert [language for language, _ in readme] == ["sh", "sh", "python", "sh"]
    assert [language for language, _ in guide] == ["sh", "sh", "sh"]
    lines = ["set -euo pipefail"]
    for language, text in readme + guide:
        lines.append(text if language == "sh" else f"python - <<'END'\n{text}END\n")
    script = "\n".join(lines)
    script = script.replace(".venv/bin/python", sys.executable).replace("manage.py", str(ROOT / "manage.py"))
    script = script.replace("python - ", f"{sys.executable} - ")
    (tmp_path / "photo.jpg").write_bytes(make_photo(1700, 40))
    environment = {**server.environment, "IMAGES": server.url}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for made, format, width in (
        ("photo.webp", "WEBP", 1600),
        ("photo.avif", "AVIF", 1700),
        ("converted/photo.webp", "WEBP", 1600),
    ):
        with Image.open(tmp_path / made) as image:
            assert (image.format, image.width) == (format, width)
    assert '"name": "For the web"' in done.stdout


def test_the_client_in_the_readme_has_ten_lines() -> None:
    (client,) = [text for language, text in blocks("README.md") if language == "python"]
    assert len([line for line in client.splitlines() if line and not line.startswith("import")]) <= 10
