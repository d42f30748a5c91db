from __future__ import annotations

import json
from typing import Any

import pytest

from converter import metrics


@pytest.fixture(autouse=True)
def _cloud(settings: Any) -> None:
    settings.CONVERTER_METRICS = "imagesite"
    settings.CONVERTER_SERVICE = "worker"


def test_an_event_is_one_line_in_the_format_of_cloudwatch(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit({"format": "webp"}, Finished=1, Milliseconds=12, BytesIn=100, BytesOut=40)
    (line,) = capsys.readouterr().out.splitlines()
    event = json.loads(line)
    (directive,) = event["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "imagesite"
    assert sorted(map(sorted, directive["Dimensions"])) == [["format", "service"], ["service"]]
    assert {m["Name"]: m["Unit"] for m in directive["Metrics"]} == {
        "Finished": "Count",
        "Milliseconds": "Milliseconds",
        "BytesIn": "Bytes",
        "BytesOut": "Bytes",
    }
    assert (event["service"], event["format"], event["BytesOut"]) == ("worker", "webp", [40])


def test_one_event_does_not_affect_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit({"code": "too_large"}, Failed=1)
    metrics.emit(Duplicates=1)
    second = json.loads(capsys.readouterr().out.splitlines()[1])
    assert second["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert "Failed" not in second
    assert "code" not in second


def test_nothing_is_written_at_home(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.CONVERTER_METRICS = ""
    metrics.emit(Submitted=1)
    assert capsys.readouterr().out == ""
