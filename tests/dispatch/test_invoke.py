from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from converter.dispatch.invoke import InvokeDispatch


@pytest.fixture
def dispatch(settings: Any, monkeypatch: pytest.MonkeyPatch) -> InvokeDispatch:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings.CONVERTER_WORKER_FUNCTION = "imagesite-production-worker"
    return InvokeDispatch()


def test_it_asks_the_worker_and_does_not_wait(dispatch: InvokeDispatch) -> None:
    with Stubber(dispatch._client) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 202},
            {
                "FunctionName": "imagesite-production-worker",
                "InvocationType": "Event",
                "Payload": json.dumps(
                    {"upload": "1", "command": "converter.events.dispatched.convert"}
                ).encode(),
            },
        )
        dispatch.ask("converter.events.dispatched.convert", {"upload": "1"})
        stub.assert_no_pending_responses()


def test_an_event_cannot_name_another_command(
    dispatch: InvokeDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(dispatch._client, "invoke", lambda **k: sent.append(json.loads(k["Payload"])))
    dispatch.ask("converter.events.dispatched.convert", {"command": "os.system"})
    assert sent == [{"command": "converter.events.dispatched.convert"}]


@pytest.mark.parametrize(
    "code", ["TooManyRequestsException", "ServiceException", "ResourceNotFoundException"]
)
def test_a_worker_that_cannot_be_invoked_does_not_fail_the_request(
    dispatch: InvokeDispatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    with Stubber(dispatch._client) as stub, caplog.at_level(logging.ERROR):
        stub.add_client_error("invoke", code)
        dispatch.ask("converter.events.dispatched.convert", {"upload": "1"})
    assert "the sweep will try again" in caplog.text


def test_a_network_error_does_not_fail_the_request(
    dispatch: InvokeDispatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**kwargs: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://lambda")

    monkeypatch.setattr(dispatch._client, "invoke", fail)
    dispatch.ask("converter.events.dispatched.convert", {"upload": "1"})
    assert "the sweep will try again" in caplog.text
