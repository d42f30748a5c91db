"""The stand-in for Lambda refuses the same descriptions as Lambda."""

from __future__ import annotations

from typing import Any

import moto
import pytest
from moto.awslambda.models import lambda_backends

from tests.cloud.iam import ACCOUNT, REGION
from tests.cloud.values import MOST_ZIP_BYTES, Values, fault_of_code, fault_of_function

GOOD = {
    "FunctionName": "a" * 64,
    "Runtime": "python3.13",
    "MemorySize": 3008,
    "Timeout": 900,
    "EphemeralStorage": {"Size": 2048},
    "Environment": {"Variables": {"A": "x" * 4000}},
}


def test_a_valid_description_is_accepted() -> None:
    assert fault_of_function(GOOD) == ""
    assert fault_of_function({"Timeout": 29}) == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"FunctionName": "a" * 65}, "functionName"),
        ({"Runtime": "python3.8"}, "runtime"),
        ({"MemorySize": 64}, "memorySize"),
        ({"Timeout": 901}, "timeout"),
        ({"EphemeralStorage": {"Size": 10_241}}, "ephemeralStorage"),
        ({"Environment": {"Variables": {"A": "x" * 4100}}}, "4KB"),
    ],
)
def test_a_value_out_of_bounds_is_refused(change: dict[str, Any], named: str) -> None:
    assert named in fault_of_function({**GOOD, **change})


@pytest.mark.parametrize(
    ("quota", "wanted", "refused"), [(10, 1, True), (119, 20, True), (120, 20, False), (1000, 900, False)]
)
def test_a_hundred_executions_stay_unreserved(quota: int, wanted: int, refused: bool) -> None:
    with moto.mock_aws():
        assert not lambda_backends[ACCOUNT][REGION].list_functions(None)
        values = Values(lambda *called: [], concurrency=quota)
        assert ("below its minimum value" in values.fault_of_reservation("worker", wanted)) is refused


def test_code_that_is_sent_to_lambda_itself_has_a_bound_and_code_in_s3_has_none() -> None:
    assert fault_of_code({"ZipFile": "A" * (MOST_ZIP_BYTES * 4 // 3)}) == ""
    assert "smaller than 52428800" in fault_of_code({"ZipFile": "A" * (MOST_ZIP_BYTES * 4 // 3 + 8)})
    assert fault_of_code({"S3Bucket": "code", "S3Key": "large.zip"}) == ""
