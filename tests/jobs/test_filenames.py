from __future__ import annotations

import pytest

from converter import jobs


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("", "image"),
        ("///", "image"),
        ("🏖️ Strand.heic", "🏖️ Strand.heic"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\x00b\nc.png", "abc.png"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        (".jpg", "jpg"),
    ],
)
def test_names_are_cleaned(sent: str, shown: str) -> None:
    assert jobs.clean_name(sent) == shown
