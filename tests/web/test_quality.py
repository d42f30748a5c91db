"""The quality control: what it shows for a recipe, and what its values mean."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from converter.models import Job
from converter.web import quality
from tests.conftest import text
from tests.web.conftest import FORM, sent


@pytest.mark.parametrize(
    ("recipe", "way"),
    [
        ({}, None),
        ({"aim": "small"}, "small"),
        ({"quality": 70}, "number"),
        ({"target_bytes": 1000, "shrink_to_fit": True}, "size"),
    ],
)
def test_the_control_shows_the_quality_mode_of_a_recipe(recipe: dict[str, Any], way: str | None) -> None:
    assert quality.shown(recipe).get("aim") == way


ALL = {"quality": 70, "target_bytes": 1000, "shrink_to_fit": True}


@pytest.mark.parametrize(
    ("way", "meant"),
    [
        ("small", {"aim": "small"}),
        ("number", {"quality": 70}),
        ("size", {"target_bytes": 1000, "shrink_to_fit": True}),
        ("", ALL),
    ],
)
def test_only_fields_of_the_chosen_quality_mode_count(way: str, meant: dict[str, Any]) -> None:
    found = quality.meant({"aim": way, **ALL})
    assert {name: value for name, value in found.items() if value} == meant


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_maximum_size_is_converted_to_and_shown_again(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-0-aim": "size", "outputs-0-target_bytes": "12.5", "outputs-0-quality": "70"}
    page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    job = Job.objects.get()
    assert job.recipe == {"format": "webp", "target_bytes": 12_500}
    again = text(page.get(f"/convert/?batch={job.batch_id}"))
    assert '<option value="size" selected>' in again


@pytest.mark.django_db(transaction=True)
def test_an_unknown_quality_mode_is_refused(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-0-aim": "fixed", "images": sent("a.jpg", photo)}
    assert page.post("/convert/", form).status_code == 422


def test_a_result_of_low_quality_offers_to_be_made_smaller(page: Client, job: Job) -> None:
    warning = {"code": "low_quality", "params": {"quality": 14}, "text": "Low quality: 14"}
    report = {**(job.report or {}), "warnings": [warning]}
    Job.objects.filter(pk=job.pk).update(report=report, result_width=4000, result_height=3000)
    for address in (f"/jobs/{job.pk}/", f"/batches/{job.batch_id}/"):
        assert f'href="/convert/?job={job.pk}&amp;side=1600">Convert again at 1600 px' in text(
            page.get(address)
        )
    (form,) = page.get(f"/convert/?job={job.pk}&side=1600").context["outputs"]
    assert (form["resize.width"].value(), form["resize.height"].value()) == (1600, 1600)


@pytest.mark.long
def test_a_side_that_makes_no_sense_changes_nothing(
    page: Client, job: Job, subtests: pytest.Subtests
) -> None:
    for side in ("0", "-1", "x", "9999999999", "9" * 5000):
        with subtests.test(side=side[:10]):
            (form,) = page.get(f"/convert/?job={job.pk}&side={side}").context["outputs"]
            assert form["resize.width"].value() is None
