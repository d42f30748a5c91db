"""Features of the Python client that need no server: retries, tokens, webhooks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks
from imagesite_client import ApiError, Client, InvalidWebhook, flows, verify_webhook
from imagesite_client.__main__ import main

from converter.webhooks import signing

JOB = {
    "id": "j",
    "batch": "b",
    "upload": "u",
    "status": "finished",
    "recipe": {},
    "error": None,
    "result": {
        "name": "a.webp",
        "format": "webp",
        "width": 1,
        "height": 1,
        "size": 3,
        "url": "/api/v1/jobs/j/download",
    },
    "report": {},
    "finished_at": "2026-01-01T00:00:00Z",
}
FORM = {"url": "https://store.example/bucket", "fields": {"key": "k"}}
BATCH = {"id": "b", "uploads": [{"id": "u", "name": "a", "form": FORM}], "jobs": [JOB]}


class Stage:
    """A fake site that responds from a list, and records requests."""

    def __init__(self, *answers: Any) -> None:
        self.answers: Iterator[Any] = iter(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        return answer

    def client(self, url: str = "https://images.example") -> Client:
        return Client(url, "secret", transport=httpx.MockTransport(self))


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    return naps


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def busy(**headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(503, json={"code": "unavailable", "detail": "Busy."}, headers=named)


def test_temporary_errors_are_retried_after_the_given_time(naps: list[float]) -> None:
    stage = Stage(busy(Retry_After="7"), httpx.ConnectError("refused"), ok({"items": []}))
    assert stage.client().call("GET", "formats") == {"items": []}
    assert naps[0] == 7
    assert 0 < naps[1] <= 1


def test_it_stops_after_some_attempts(naps: list[float]) -> None:
    with pytest.raises(ApiError, match="unavailable"):
        Stage(*[busy() for _ in range(6)]).client().call("GET", "formats")
    with pytest.raises(httpx.ConnectError):
        Stage(*[httpx.ConnectError("refused")] * 6).client().call("GET", "formats")
    assert len(naps) == 10


def test_a_refused_request_is_not_retried(naps: list[float]) -> None:
    stage = Stage(httpx.Response(422, json={"code": "invalid_recipe", "detail": "No."}))
    with pytest.raises(ApiError, match="invalid_recipe"):
        stage.client().call("GET", "formats")
    with pytest.raises(ApiError, match="500"):
        Stage(httpx.Response(500, text="<html>")).client().call("GET", "formats")
    assert naps == []


def test_a_repeated_batch_request_has_the_same_key_and_its_file_the_same_bytes(
    naps: list[float],
) -> None:
    lost = httpx.ReadTimeout("lost")
    stage = Stage(
        lost, ok(BATCH), busy(), httpx.Response(204), httpx.Response(200, content=b"abc"), httpx.Response(204)
    )
    assert stage.client().convert(b"image", {"format": "webp"}).data == b"abc"
    first, second, broken, sent, download, deleted = stage.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert b"image" in broken.content
    assert b"image" in sent.content
    assert (deleted.method, deleted.url.path) == ("DELETE", "/api/v1/batches/b")
    assert download.url == "https://images.example/api/v1/jobs/j/download"


def test_the_jobs_of_a_large_batch_are_paged(naps: list[float]) -> None:
    uploaded = httpx.Response(204)
    more = {**BATCH, "jobs": [{**JOB, "id": "k"}], "next": None}
    results = [httpx.Response(200, content=name) for name in (b"first", b"second")]
    stage = Stage(ok({**BATCH, "next": "399"}), uploaded, ok(more), *results, httpx.Response(204))
    made = stage.client().convert_many([b"image"], [{"format": "webp"}, {"format": "png"}])
    assert [(one.job, one.data) for one in made] == [("j", b"first"), ("k", b"second")]
    assert stage.asked[2].url.params["cursor"] == "399"


def test_the_token_is_sent_only_to_the_site(naps: list[float]) -> None:
    stage = Stage(
        ok(BATCH),
        httpx.Response(204),
        httpx.Response(302, headers={"Location": "https://cdn.example/a"}),
        httpx.Response(200, content=b"abc"),
        httpx.Response(204),
    )
    stage.client().convert(b"image", {"format": "webp"})
    shown = {request.url.host: "Authorization" in request.headers for request in stage.asked}
    assert shown == {"images.example": True, "store.example": False, "cdn.example": False}


@pytest.mark.parametrize(
    ("site", "link", "asked"),
    [
        ("https://a.example/", "/api/v1/x", "https://a.example/api/v1/x"),
        ("https://a.example/images", "/api/v1/x", "https://a.example/images/api/v1/x"),
        ("https://a.example/images/", "/images/api/v1/x", "https://a.example/images/api/v1/x"),
        ("https://a.example/images", "/images/uploads", "https://a.example/images/uploads"),
        ("https://a.example", "https://b.example/x", "https://b.example/x"),
    ],
)
def test_links_lead_to_the_site_wherever_it_stands(site: str, link: str, asked: str) -> None:
    client = Client(site, "secret")
    assert str(client._options(flows.Request("GET", link))["url"]) == asked


# --- Webhooks ----------------------------------------------------------------------------------------------

BODY = json.dumps({"type": "job.finished", "data": {"id": "ö"}}, ensure_ascii=False)


def signed(secret: str, body: str = BODY, moment: float | None = None) -> dict[str, str]:
    sent = str(int(time.time() if moment is None else moment))
    signature = signing.signature(secret, "m1", sent, body)
    return {"Webhook-Id": "m1", "webhook-timestamp": sent, "WEBHOOK-SIGNATURE": f"v1,AAAA v2,x {signature}"}


def test_signatures_of_the_server_are_accepted() -> None:
    secret = signing.new_secret()
    assert verify_webhook(secret, signed(secret), BODY.encode())["data"] == {"id": "ö"}
    headers = {name.lower(): value for name, value in signed(secret).items()}
    assert standardwebhooks.Webhook(secret).verify(BODY, headers) == verify_webhook(secret, headers, BODY)


@pytest.mark.parametrize(
    "wrong", ["secret", "body", "old", "future", "no headers", "no time", "no secret", "not JSON"]
)
def test_other_signatures_are_refused(wrong: str) -> None:
    secret = other = signing.new_secret()
    body = "<html>" if wrong == "not JSON" else BODY
    moment = time.time() + {"old": -301, "future": 302}.get(wrong, 0)
    headers = signed(secret, body, moment)
    if wrong == "secret":
        other = signing.new_secret()
    if wrong == "no secret":
        other = "whsec_ö!"
    if wrong == "no time":
        headers["webhook-timestamp"] = "yesterday"
    with pytest.raises(InvalidWebhook):
        verify_webhook(
            other, {} if wrong == "no headers" else headers, body + (" " if wrong == "body" else "")
        )


@pytest.mark.parametrize("token", ["img_ü", "img_a\nb"])
def test_what_cannot_be_a_token_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ValueError, match=r"^The token contains characters that no token has\.$"):
        Client("https://images.example.org", token)


def test_a_line_break_behind_a_token_is_left_out(naps: list[float]) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={})

    with Client("https://images.example.org", "img_a\n", transport=httpx.MockTransport(answer)) as client:
        client.call("GET", "formats")
    assert seen == ["Bearer img_a"]


def test_the_command_says_in_one_line_that_nothing_can_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGESITE_TOKEN", "img_ü")
    monkeypatch.setenv("IMAGESITE_URL", "https://images.example.org")
    with pytest.raises(SystemExit) as raised:
        main([__file__, "-o", "out", "--recipe", "{}"])
    assert raised.value.code == 2
    assert capsys.readouterr().err.endswith("error: The token contains characters that no token has.\n")


def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESITE_TOKEN", "img_token")
    monkeypatch.setenv("IMAGESITE_URL", "https://images.example.org")
    missing = str(tmp_path / "missing.jpg")
    assert main([str(tmp_path), missing, "-o", str(tmp_path / "out"), "--recipe", "{}"]) == 1
    assert capsys.readouterr().err.splitlines() == [f"{missing}: No such file", f"{tmp_path}: Is a directory"]
    with pytest.raises(SystemExit):
        main([missing, "-o", "out", "--recipe", "{}"])


def test_an_empty_file_is_named_by_the_server() -> None:
    problem = {
        "code": "empty_file",
        "detail": "a.jpg is empty.",
        "params": {"kind": "named", "name": "a.jpg"},
    }
    stage = Stage(httpx.Response(422, json=problem))
    with pytest.raises(ApiError, match=r"^a\.jpg is empty\. \(empty_file\)$"):
        stage.client().submit([b""], [{}])
