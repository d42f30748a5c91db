"""The admin's lists on a laptop."""

from __future__ import annotations

import pytest

from tests.conftest import make_photo
from tests.e2e.site import Site, Visit, convert, log_in, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OVERFLOWING = "lists => lists.filter((list) => list.scrollWidth > list.clientWidth).length"


def test_lists_fit_beside_their_filters(visit: Visit, site: Site) -> None:
    page = visit(known=False, at="/")
    convert(page, [photo(f"holiday {n}.jpg", make_photo(320, 200 + n)) for n in range(2)])
    log_in(page, site, site.staff_session)
    page.set_viewport_size({"width": 1280, "height": 900})
    for model in ("job", "upload", "batch", "share", "recipe", "webhook"):
        page.goto(f"/admin/converter/{model}/")
        assert page.locator(".results").evaluate_all(OVERFLOWING) == 0, model
