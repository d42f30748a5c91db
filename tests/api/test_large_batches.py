"""No response about a batch exceeds the limits of Lambda and API Gateway."""

from __future__ import annotations

import pytest

from converter.models import Job
from tests.api.conftest import Program, problem

pytestmark = [pytest.mark.long, pytest.mark.django_db, pytest.mark.postgres]

CARRIED = 6_000_000 * 3 // 4
"""Maximum bytes of a response, which Lambda encodes in base64."""


def test_a_large_batch_is_returned_in_parts_that_lambda_can_return(program: Program) -> None:
    outputs = [
        {
            "format": "webp",
            "quality": n + 1,
            "resize": {"mode": "pad", "width": 1600, "height": 1200, "enlarge": True, "gravity": "center"},
            "watermark": {"text": "ж" * 100, "position": "bottom_right", "opacity": 0.3, "scale": 0.3},
        }
        for n in range(10)
    ]
    files = [{"name": "ж" * 120 + ".jpg", "size": 9} for _ in range(200)]
    made = program.post("batches", {"files": files, "outputs": outputs})
    assert made.status_code == 201, made.content
    assert len(made.content) < CARRIED
    assert sum(upload["form"] is not None for upload in made.json()["uploads"]) == 200
    report = {
        "warnings": [{"code": "colors_converted", "params": {"kind": "ж" * 200}, "text": "ж" * 200}] * 3
    }
    Job.objects.update(status="finished", result_format="webp", result_size=9, report=report)
    jobs, uploads, cursor = [], [], ""
    while cursor is not None:
        answer = program.get(f"batches/{made.json()['id']}{cursor and f'?cursor={cursor}'}")
        assert len(answer.content) < CARRIED
        body = answer.json()
        assert (body["total"], body["done"]) == (2000, 2000)
        jobs += [job["id"] for job in body["jobs"]]
        uploads += [upload["id"] for upload in body["uploads"]]
        cursor = body["next"]
    assert jobs == [str(pk) for pk in Job.objects.order_by("position").values_list("pk", flat=True)]
    assert uploads == [upload["id"] for upload in made.json()["uploads"]]


@pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "²", "9" * 20])
def test_an_invalid_cursor_is_reported(program: Program, cursor: str) -> None:
    made = program.post(
        "batches", {"files": [{"name": "a", "size": 9}], "outputs": [{"format": "webp"}]}
    ).json()
    problem(program.get(f"batches/{made['id']}?cursor={cursor}"), 422, "invalid_request")
