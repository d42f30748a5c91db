"""What is said about values that a field of the options does not take."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.conftest import FORM

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("resize.width", "0", "Width must be at least 1."),
        ("resize.scale", "1001", "Scale (%) can be at most 1000."),
        ("resize.width", "wide", "Width must be a whole number."),
        ("resize.width", "1.5", "Width must be a whole number."),
        ("watermark.opacity", "much", "Opacity (%) must be a number."),
        ("target_bytes", "900000000", "Maximum size (KB) can be at most 1000000."),
        ("watermark.opacity", "101", "Opacity (%) can be at most 100."),
    ],
)
def test_errors_of_numbers_name_their_field_and_use_its_unit(
    page: Client, field: str, typed: str, said: str
) -> None:
    form = {**FORM, f"outputs-0-{field}": typed}
    (output,) = page.post("/convert/outputs/", form).json()["outputs"]
    assert output["errors"][field] == [said]
