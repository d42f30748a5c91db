from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from converter.models import Job
from tests.conftest import make_photo
from tests.web.conftest import FORM, sent, text

pytestmark = pytest.mark.django_db(transaction=True)


def test_guests_have_no_link_to_the_history(client: Client, page: Client, worker: Any) -> None:
    history = f'href="{reverse("web:batches")}"'
    assert history not in text(client.get("/nothing-here/"))
    client.post("/convert/", {**FORM, "images": sent("a.jpg", make_photo())})  # creates a guest
    assert history not in text(client.get("/nothing-here/"))
    not_yet = client.get(f"/jobs/{Job.objects.get().pk}/download/")
    assert not_yet.status_code == 409
    assert history not in text(not_yet)
    assert 'href="/convert/"' in text(not_yet)
    assert text(page.get("/nothing-here/")).count(history) > 1  # in the menu and in the page
