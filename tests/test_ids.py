"""Ids in URLs: UUIDs, in lower and upper case."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver, resolve, reverse

from imagesite.accounts.models import ApiToken
from tests.conftest import make_photo

PK = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


def routes(resolver: Any, prefix: str = "") -> list[str]:
    found = []
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        found += routes(pattern, route) if hasattr(pattern, "url_patterns") else [route]
    return found


def test_every_url_accepts_an_id_in_capitals() -> None:
    with_ids = [route for route in routes(get_resolver()) if "uuid:" in route or "<id:" in route]
    assert len(with_ids) > 50
    for route in with_ids:
        for written in (str(PK), str(PK).upper()):
            address = "/" + re.sub(r"<slug:\w+>", "x", re.sub(r"<(id|uuid):\w+>", written, route))
            assert PK in resolve(address).kwargs.values(), address


@pytest.mark.django_db
def test_an_image_is_found_by_its_id_in_capitals(alice: Any, worker: Any) -> None:
    client = Client(headers={"Authorization": f"Bearer {ApiToken.issue(alice, 'test')[1]}"})
    kept = client.post("/api/v1/uploads", {"file": SimpleUploadedFile("a.jpg", make_photo())}).json()["id"]
    assert client.get(f"/api/v1/uploads/{kept.upper()}/download").status_code == 302
    assert kept in reverse("api:upload", args=[kept])
