"""Selected pages of an image, or each page as its own file, through the API."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.api.conftest import Program, problem
from tests.api.test_batches import post_file
from tests.api.test_convert import post
from tests.conftest import streamed

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def film() -> bytes:
    first, *others = [Image.new("RGB", (20, 10), color) for color in COLORS]
    data = io.BytesIO()
    first.save(data, "GIF", save_all=True, append_images=others, duration=50)
    return data.getvalue()


def submitted(program: Program, **recipe: Any) -> Any:
    return program.post("batches", {"files": [{"name": "film.gif", "size": 9000}], "outputs": [recipe]})


@pytest.mark.long
def test_a_batch_gets_a_job_for_each_frame(program: Program, worker: Any) -> None:
    batch = submitted(program, format="png", frames="each").json()
    assert batch["total"] == 1
    assert post_file(batch["uploads"][0], film()).status_code == 201
    worker.work()
    done = program.get(f"batches/{batch['id']}").json()
    assert (done["status"], done["total"], done["jobs"][0]["id"]) == ("finished", 3, batch["jobs"][0]["id"])
    assert [job["result"]["name"] for job in done["jobs"]] == [f"film-00{n}.png" for n in (1, 2, 3)]
    for job, color in zip(done["jobs"], COLORS, strict=True):
        link = program.get(f"jobs/{job['id']}/download")
        with Image.open(io.BytesIO(streamed(program.client.get(link["Location"])))) as image:
            assert image.convert("RGB").getpixel((5, 5)) == color


@pytest.mark.parametrize("pages", ["", "0", "3-1", "1,,2", 2])
def test_an_invalid_selection_is_refused_at_its_pointer(pages: Any, program: Program) -> None:
    answer = problem(submitted(program, format="png", pages=pages), 422, "invalid_recipe")
    assert [error["pointer"] for error in answer["errors"]] == ["/outputs/0/pages"]


def test_a_page_that_is_not_there_fails_the_job(program: Program, worker: Any) -> None:
    batch = submitted(program, format="png", pages="9").json()
    post_file(batch["uploads"][0], film())
    worker.work()
    (job,) = program.get(f"batches/{batch['id']}").json()["jobs"]
    assert (job["status"], job["error"]["code"]) == ("failed", "no_such_page")
    assert job["error"]["params"] == {"pages": "9", "count": 3}


def test_a_request_for_one_file_does_not_answer_with_many(program: Program) -> None:
    refused = post(program, film(), {"format": "png", "frames": "each"})
    answer = problem(refused, 422, "invalid_recipe")
    assert [error["pointer"] for error in answer["errors"]] == ["/recipe/frames"]
    assert "batch" in answer["errors"][0]["detail"]


def test_a_converter_of_each_page_can_be_saved(program: Program) -> None:
    recipe = {"format": "png", "frames": "each", "pages": "1-3"}
    saved = program.post("recipes", {"name": "Pages", "recipe": recipe})
    assert (saved.status_code, saved.json()["recipe"]) == (201, recipe)
