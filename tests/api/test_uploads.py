from __future__ import annotations

from typing import Any

import pytest

from converter import jobs
from converter.models import Batch
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db


def test_what_is_known_of_an_image_is_told(
    program: Program, stranger: Program, send: Any, worker: Any
) -> None:
    photo = make_photo(64, 48)
    upload = program.submit("a.jpg")["uploads"][0]["id"]
    path = f"uploads/{upload}/metadata"
    problem(program.get(path), 409, "not_looked_into")
    send(Batch.objects.get(), photo)
    worker.work()

    told = program.get(path).json()
    assert (told["upload"], told["name"], told["size"]) == (upload, "a.jpg", len(photo))
    assert (told["found"]["format"], told["found"]["width"], told["found"]["height"]) == ("jpeg", 64, 48)
    problem(stranger.get(path), 404, "not_found")

    jobs.expire(Batch.objects.get())
    problem(program.get(path), 410, "expired")
