"""The admin's lists on a laptop and a phone, whatever they hold."""

from __future__ import annotations

import pytest

from tests.conftest import make_photo
from tests.e2e.site import Site, Visit, convert, log_in, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OVERFLOWING = "lists => lists.filter((list) => list.scrollWidth > list.clientWidth).length"
LONG = "Scan_2026-01-31T06-25-00Z_" + "0123456789abcdef" * 10
ROWS = """
import secrets
from datetime import timedelta

from django.utils import timezone

from converter.models import Batch, Delivery, Recipe, RecipeLink, Share, Webhook
from imagesite.accounts.models import ApiToken, Invitation, User

now = timezone.now()
owner = User.objects.create(email=f"{'a' * 60}.{now.timestamp()}@example.org")
outputs = [{"format": format, "resize": {"width": 1600}} for format in ("webp", "avif", "jpeg", "png")]
Recipe.objects.create(owner=owner, name="W" * 80, recipe=outputs[0], more=outputs[1:])
RecipeLink.objects.create(hash="0123456789abcdef", owner=owner, recipe=outputs[0], more=outputs[1:])
Share.objects.create(owner=owner, batch=Batch.objects.first(), expires_at=now, revoked_at=now)
url = "https://example.org/" + "a" * 200
webhook = Webhook.objects.create(owner=owner, url=url, events=Webhook.Event.values, disabled_at=now)
Delivery.objects.create(webhook=webhook, event="batch.finished", subject="a", due_at=now, delivered_at=now)
ApiToken.issue(owner, "W" * 60)
Invitation.objects.create(
    email=owner.email,
    digest=secrets.token_hex(32),
    invited_by=owner,
    expires_at=now + timedelta(days=1),
    used_at=now,
    used_by=owner,
)
"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_lists_fit_beside_their_filters(visit: Visit, site: Site, language: str) -> None:
    page = visit(known=False, at="/")
    convert(page, [photo(f"{LONG}{n}.jpg", make_photo(320, 200 + n)) for n in range(2)])
    page.goto("/convert/")
    page.get_by_role("button", name="Add another output").click()
    convert(page, [photo(f"{LONG}.jpg", make_photo(400, 300)[:3000])])
    log_in(page, site, site.staff_session)  # not before: other tests count what the member of staff owns
    site.python(ROWS)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.context.add_cookies([{"name": "language", "value": language, "url": site.url}])
    page.goto("/admin/")
    lists = page.locator("th a").evaluate_all("links => links.map((link) => link.href)")
    assert len(lists) > 8
    for url in lists:
        page.goto(url)
        assert page.locator(".results").evaluate_all(OVERFLOWING) == 0, url
    page.set_viewport_size({"width": 390, "height": 844})
    for kind in ("job", "batch"):
        page.goto(f"/admin/converter/{kind}/")
        shown = page.locator(".results").bounding_box()
        status = page.locator("#result_list .column-status").bounding_box()
        assert shown
        assert status
        assert status["x"] + status["width"] <= shown["x"] + shown["width"], kind
