"""Evaluates CloudWatch alarms, including metric math with missing points.

A series is a list of one value per period, the latest last, with None where nothing was sent. As AWS
documents it, an operation on a missing point has no value, FILL gives it one, and `TreatMissingData` applies
to a period without a value.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

Value = float | None
Series = Mapping[str, list[Value]]  # by metric name

OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else None,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
BREACHES = {"GreaterThanThreshold": operator.gt, "GreaterThanOrEqualToThreshold": operator.ge}


def is_ringing(alarm: Mapping[str, Any], series: Series) -> bool:
    """Return whether the alarm, as returned by `describe_alarms`, is in ALARM after these values."""
    breaches = BREACHES[alarm["ComparisonOperator"]]
    assert alarm["TreatMissingData"] == "notBreaching"
    values = [value_of(alarm, series, back) for back in range(1, alarm["EvaluationPeriods"] + 1)]
    return all(value is not None and breaches(value, alarm["Threshold"]) for value in values)


def value_of(alarm: Mapping[str, Any], series: Series, back: int) -> Value:
    """Return the value that the alarm evaluates for the period `back` periods ago, 1 being the latest."""

    def point(metric: str) -> Value:
        points = series.get(metric, [])
        return points[-back] if back <= len(points) else None

    if not alarm.get("Metrics"):
        return point(alarm["MetricName"])
    points = {
        query["Id"]: point(query["MetricStat"]["Metric"]["MetricName"])
        for query in alarm["Metrics"]
        if query.get("MetricStat")
    }
    (expression,) = (query["Expression"] for query in alarm["Metrics"] if query.get("ReturnData"))
    return evaluate(expression, points)


def evaluate(expression: str, points: Mapping[str, Value]) -> Value:
    """Return the value of a metric math expression for one period, or None if it has none."""
    value: Value = _evaluate(ast.parse(expression, mode="eval").body, points)
    return value


def _evaluate(node: ast.expr, points: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return points[node.id]
        case ast.BinOp():
            return _apply(type(node.op), _evaluate(node.left, points), _evaluate(node.right, points))
        case ast.Compare(ops=[op], comparators=[right]):
            return _apply(type(op), _evaluate(node.left, points), _evaluate(right, points))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, instead]):
            value = _evaluate(filled, points)
            return _evaluate(instead, points) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            chosen = _evaluate(condition, points)
            return None if chosen is None else _evaluate(then if chosen else otherwise, points)
    raise ValueError(f"The tests do not evaluate this metric math: {ast.unparse(node)}")


def _apply(operation: type, left: Value, right: Value) -> Any:
    return None if left is None or right is None else OPERATIONS[operation](left, right)
