from __future__ import annotations

import pytest

from converter.storage import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("photo.webp", 'attachment; filename="photo.webp"'),
        ("100%.webp", 'attachment; filename="100%.webp"'),
        # Browsers decode percent-encoding in the plain form (RFC 6266, appendix D).
        ("100%25.webp", "attachment; filename*=utf-8''100%2525.webp"),
        ("%e4.webp", "attachment; filename*=utf-8''%25e4.webp"),
        ("ä.webp", "attachment; filename*=utf-8''%C3%A4.webp"),
        ("", "attachment"),
    ],
)
def test_a_download_keeps_its_name(name: str, header: str) -> None:
    assert attachment(name) == header
