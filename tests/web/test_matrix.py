"""Formats × widths, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from converter.models import Batch

pytestmark = pytest.mark.django_db


def outputs_of(page: Any) -> list[tuple[str, Any]]:
    return [(form["format"].value(), form["resize.width"].value()) for form in page.context["outputs"]]


@pytest.mark.long
def test_a_link_makes_each_format_in_each_width(page: Client) -> None:
    shown = page.get("/convert/?formats=avif&formats=jpeg&widths=960, 480")
    assert outputs_of(shown) == [("avif", 480), ("avif", 960), ("jpeg", 480), ("jpeg", 960)]
    assert b"AVIF \xc2\xb7 480 px" in shown.content


def test_a_button_does_the_same_without_scripts(page: Client) -> None:
    form = {
        "matrix": "1",
        "formats": ["webp", "jpeg"],
        "widths": "100",
        "outputs-TOTAL_FORMS": "1",
        "outputs-INITIAL_FORMS": "0",
        "outputs-0-format": "png",
    }
    assert outputs_of(page.post("/convert/", form)) == [("webp", 100), ("jpeg", 100)]
    assert not Batch.objects.exists()


@pytest.mark.long
@pytest.mark.parametrize("widths", ["", "0", "wide", "480, -1", "70000", "1,2,3,4,5,6,7,8,9,10,11"])
def test_invalid_widths_are_reported_and_change_nothing(page: Client, widths: str) -> None:
    form = {
        "matrix": "1",
        "formats": ["webp"],
        "widths": widths,
        "outputs-TOTAL_FORMS": "1",
        "outputs-INITIAL_FORMS": "0",
        "outputs-0-format": "png",
    }
    shown = page.post("/convert/", form)
    assert shown.context["matrix"].errors["widths"]
    assert [format for format, _ in outputs_of(shown)] == ["png"]
    assert len(outputs_of(page.get("/convert/", {"formats": "webp", "widths": widths}))) == 1


def test_an_invalid_pattern_for_names_is_reported_at_its_field(page: Client, photo: bytes) -> None:
    form = {"outputs-TOTAL_FORMS": "1", "outputs-INITIAL_FORMS": "0", "outputs-0-format": "png"}
    shown = page.post("/convert/", {**form, "name_pattern": "{nmae}"})
    assert shown.status_code == 422
    assert "{nmae}" in shown.context["files"].errors["name_pattern"][0]
