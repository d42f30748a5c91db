"""The alarm evaluator, which the deployment test applies to every alarm of Terraform."""

from __future__ import annotations

import pytest

from infra.tests.alarms import evaluate, is_ringing

SHARE = "IF(failed + finished > 10, 100 * failed / (failed + finished), 0)"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a + b * 2", 7),
        ("a / (b - 3)", None),
        ("IF(a > b, 1, 2)", 2),
        ("missing + a", None),
        ("IF(missing > 1, 1, 2)", None),
        ("FILL(missing, 4) + a", 5),
        ("FILL(a, 4)", 1),
    ],
)
def test_metric_math_with_missing_points(expression: str, value: float | None) -> None:
    assert evaluate(expression, {"a": 1, "b": 3, "missing": None}) == value


def test_a_share_of_metrics_that_may_be_missing_needs_fill() -> None:
    """If every conversion fails, nothing is Finished: without FILL, the worst case has no value."""
    assert evaluate(SHARE, {"failed": 20, "finished": None}) is None
    filled = SHARE.replace("failed", "FILL(failed, 0)").replace("finished", "FILL(finished, 0)")
    assert evaluate(filled, {"failed": 20, "finished": None}) == 100


def test_every_period_must_breach_and_missing_data_does_not() -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "EvaluationPeriods": 3,
        "Threshold": 10,
        "MetricName": "Duration",
    }
    assert is_ringing(alarm, {"Duration": [1, 11, 12, 13]})
    assert not is_ringing(alarm, {"Duration": [11, 12, 10]})
    assert not is_ringing(alarm, {"Duration": [11, None, 12]})
    assert not is_ringing(alarm, {"Duration": [11, 12]})
    assert not is_ringing(alarm, {})
