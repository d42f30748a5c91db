from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import clear_context_keys
from django.conf import settings as site
from django.test import Client
from django.utils.module_loading import import_string

from converter.events import handler as module
from converter.events.handler import handler

CONTEXT = SimpleNamespace(
    aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef", get_remaining_time_in_millis=lambda: 29_000
)


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Yield the log records, as formatted by the site."""
    formatters: Any = site.LOGGING["formatters"]
    options = dict(formatters["json"])
    formatter = import_string(options.pop("()"))(**options)
    written: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(formatter.format(record)))

    kept = Kept()
    logging.getLogger().addHandler(kept)
    yield written
    logging.getLogger().removeHandler(kept)


@pytest.fixture(autouse=True)
def _cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_cold", True)
    clear_context_keys()  # from another test's last request


@handler
def act(event: dict[str, Any], context: object) -> None:
    logging.getLogger("converter").warning("Acting", extra={"job": event["job"]})


def test_each_line_names_its_invocation_and_its_job(lines: list[dict[str, Any]]) -> None:
    act({"job": "1"}, CONTEXT)
    act({"job": "2"}, CONTEXT)
    assert [(line["request_id"], line["job"], line["cold_start"]) for line in lines] == [
        (CONTEXT.aws_request_id, "1", True),
        (CONTEXT.aws_request_id, "2", False),
    ]


def test_the_name_ends_with_the_invocation(lines: list[dict[str, Any]]) -> None:
    act({"job": "1"}, CONTEXT)
    logging.getLogger("converter").warning("Afterwards")
    assert "request_id" not in lines[-1]


def test_at_home_logs_have_no_invocation(lines: list[dict[str, Any]]) -> None:
    act({"job": "1"}, None)
    assert "request_id" not in lines[0]
    assert "cold_start" not in lines[0]


def test_a_cold_start_is_counted_once(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.CONVERTER_METRICS = "imagesite"
    act({"job": "1"}, CONTEXT)
    act({"job": "2"}, CONTEXT)
    assert capsys.readouterr().out.count('"ColdStarts":[1.0]') == 1


def test_a_type_error_is_not_taken_for_a_wrong_signature() -> None:
    calls = []

    @handler
    def broken(event: dict[str, Any], context: object) -> None:
        calls.append(event)
        len(5)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError, match=r"broken failed: object of type 'int' has no len"):
        broken({}, None)
    assert len(calls) == 1


def test_zappa_calls_it_once_and_shows_its_error() -> None:
    from zappa.handler import LambdaHandler

    calls = []

    @handler
    def broken(event: dict[str, Any], context: object) -> None:
        calls.append(event)
        raise TypeError("the real reason")

    with pytest.raises(RuntimeError, match="the real reason"):
        LambdaHandler.run_function(broken, {}, CONTEXT)
    assert len(calls) == 1


@pytest.mark.django_db
def test_each_request_has_an_id_of_its_own(client: Client, lines: list[dict[str, Any]]) -> None:
    for _ in range(2):
        client.get("/nothing/")
    ids = {line["request_id"] for line in lines if line["message"] == "Not Found: /nothing/"}
    assert len(ids) == 2


@pytest.mark.django_db
def test_a_request_through_zappa_has_the_id_of_lambda(client: Client, lines: list[dict[str, Any]]) -> None:
    context: dict[str, Any] = {"lambda.context": CONTEXT}
    client.get("/nothing/", **context)
    assert lines[-1]["request_id"] == CONTEXT.aws_request_id
