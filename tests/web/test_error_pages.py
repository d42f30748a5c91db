from __future__ import annotations

import logging
from typing import Any

import pytest
from django.template import loader
from django.test import Client
from django.urls import reverse

from converter.models import Job
from imagesite.logs import QuietRefusals
from tests.conftest import make_photo, text
from tests.web.conftest import FORM, sent

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


MANY = "&".join(f"a{number}=1" for number in range(1_001))
FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (MANY, FORM_TYPE, 400),
        ("a=" + "b" * 2_700_000, FORM_TYPE, 413),
        ("a=b", f"{FORM_TYPE}; charset=utf-16", 400),
        ("a=b", "multipart/form-data", 400),
    ],
    ids=["too many fields", "too large", "another encoding", "no boundary"],
)
def test_a_form_that_cannot_be_read_gets_a_page_and_a_quiet_line_in_the_log(
    body: str, content_type: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "a" * 32
    refused = browser.post("/accounts/login/", body, content_type=content_type)
    assert (refused.status_code, refused["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f">{status}<" in text(refused)
    _check_quiet(caplog.records)


@pytest.mark.parametrize(
    ("path", "host"), [(f"/convert/?{MANY}", "localhost"), ("/formats/", "other.example.org"), ("/", "a b")]
)
def test_an_address_that_is_refused_gets_a_page_and_a_quiet_line_in_the_log(
    client: Client, path: str, host: str, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    refused = client.get(path, headers={"Host": host})
    assert refused.status_code == 400
    assert ">400<" in text(refused)
    _check_quiet(caplog.records)


def _check_quiet(records: list[logging.LogRecord]) -> None:
    assert records
    for record in records:
        assert QuietRefusals().filter(record)
        assert (record.levelname, record.exc_info) == ("WARNING", None)


@pytest.mark.parametrize("status", [400, 413, 500, 503, 507])
def test_pages_that_do_not_know_the_user_have_no_link_to_the_history(status: int) -> None:
    shown = loader.get_template(f"{status}.html").render()
    assert f'href="{reverse("web:batches")}"' not in shown
    assert 'href="/convert/"' in shown
