"""The packaged web function, under AWS's runtime client, with events as from CloudFront and API Gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cloud.gateway import proxy_event, read, through_cloudfront
from tests.cloud.lambdas import Function

pytestmark = [pytest.mark.slow, pytest.mark.system]

HOST = "images.example.com"

Ask = Callable[..., tuple[int, list[tuple[str, str]], str]]


@pytest.fixture
def ask(web: Function) -> Ask:
    def ask(method: str, path: str, **more: Any) -> tuple[int, list[tuple[str, str]], str]:
        event = through_cloudfront(method, path, **{"host": HOST, **more})
        answer, failed, log = web.invoke(event)
        assert not failed, answer + log
        status, headers, body = read(answer)
        return status, headers, body.decode()

    return ask


def cookies(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return the cookies of the response by name."""
    return {v.strip().partition("=")[0]: v.strip() for n, v in headers if n.lower() == "set-cookie"}


def test_it_works(ask: Ask) -> None:
    status, headers, body = ask("GET", "/")
    assert status == 200
    assert "<!doctype html>" in body
    assert dict(headers)["Content-Type"].startswith("text/html")


def test_static_files_have_names_of_this_build_under_our_own_host(ask: Ask) -> None:
    _, _, body = ask("GET", "/")
    sheets = re.findall(r'href="([^"]+\.css)"', body)
    assert sheets
    assert all(re.fullmatch(r"/static/\S+\.[0-9a-f]{12}\.css", sheet) for sheet in sheets)


def test_urls_contain_no_stage(ask: Ask) -> None:
    _, _, body = ask("GET", "/")
    assert 'href="/accounts/login/"' in body
    assert "/production" not in body


def test_strangers_are_sent_to_the_log_in_of_this_host(ask: Ask) -> None:
    status, headers, _ = ask("GET", "/batches/")
    assert status == 302
    assert dict(headers)["Location"] == "/accounts/login/?next=/batches/"
    status, headers, _ = ask("GET", "/batches")
    assert (status, dict(headers)["Location"]) in [
        (301, "/batches/"),
        (302, "/accounts/login/?next=/batches"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Origin-Verify", "")],
        [("X-Origin-Verify", "a guess")],
        [("X-Forwarded-Host", HOST)],
        [("X-Origin-Verify", "ü")],
    ],
    ids=str,
)
def test_requests_that_bypass_cloudfront_are_refused(web: Function, headers: Any) -> None:
    for path in ("/", "/healthz", "/api/v1/formats", "/admin/"):
        answer, _, _ = web.invoke(proxy_event("GET", path, headers=headers))
        assert read(answer)[0] == 403


def test_the_previous_secret_is_valid_until_it_is_removed(web: Function) -> None:
    headers = [("X-Origin-Verify", "the one before"), ("X-Forwarded-Host", HOST)]
    answer, _, _ = web.invoke(proxy_event("GET", "/", headers=headers))
    assert read(answer)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "abcdef1234.execute-api.eu-west-1.amazonaws.com"])
def test_another_host_is_refused(ask: Ask, host: str) -> None:
    assert ask("GET", "/", host=host)[0] == 400


def log_in_form(ask: Ask) -> tuple[str, str]:
    """Return the cookie and the CSRF token of the log-in form."""
    _, headers, body = ask("GET", "/accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', body)
    assert token
    return cookies(headers)["csrftoken"].split(";")[0], token[1]


@pytest.mark.parametrize(
    ("origin", "status"), [(f"https://{HOST}", 422), ("https://evil.example", 403), (f"http://{HOST}", 403)]
)
def test_forms_are_accepted_only_from_our_own_pages(ask: Ask, origin: str, status: int) -> None:
    cookie, token = log_in_form(ask)
    headers = [
        ("Cookie", cookie),
        ("Origin", origin),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    body = urlencode({"csrfmiddlewaretoken": token, "email": "", "password": ""}).encode()
    assert ask("POST", "/accounts/login/", headers=headers, body=body)[0] == status


def test_a_form_without_its_token_is_refused(ask: Ask) -> None:
    headers = [("Origin", f"https://{HOST}"), ("Content-Type", "application/x-www-form-urlencoded")]
    assert ask("POST", "/accounts/login/", headers=headers, body=b"email=a")[0] == 403


def test_cookies_are_few_and_safe(ask: Ask) -> None:
    # Zappa sends each cookie four times, which is harmless as long as they are equal and small.
    _, headers, _ = ask("GET", "/accounts/login/")
    sent = {value.strip() for name, value in headers if name.lower() == "set-cookie"}
    assert len(sent) == 1
    assert "Secure" in next(iter(sent))
    assert "SameSite=Lax" in next(iter(sent))
    assert sum(len(name) + len(value) for name, value in headers) < 10_240 / 2  # the limit of API Gateway


def test_responses_have_security_headers(ask: Ask) -> None:
    _, several, _ = ask("GET", "/")
    headers = dict(several)
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    results = "https://imagesite-results-123456789012.s3.eu-west-1.amazonaws.com"
    assert policy["connect-src"] == policy["form-action"] == "'self'"
    assert results in policy["img-src"].split()
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_api_answers_programs_in_json(ask: Ask) -> None:
    status, headers, body = ask("GET", "/api/v1/batches")
    assert status == 401
    assert dict(headers)["Content-Type"].startswith("application/problem+json")
    assert json.loads(body)["code"] == "unauthenticated"


@pytest.mark.parametrize("path", ["/nothing/", "/../../etc/passwd", "/%00"])
def test_a_missing_page_is_404(ask: Ask, path: str) -> None:
    assert ask("GET", path)[0] == 404


def test_a_query_is_passed_unchanged(ask: Ask) -> None:
    _, headers, _ = ask("GET", "/batches/", query="a=1&a=2&b=%C3%BC+x")
    assert dict(headers)["Location"] == "/accounts/login/?next=/batches/%3Fa%3D1%26a%3D2%26b%3D%25C3%25BC%2Bx"


def test_no_password_and_no_cookie_is_logged(web: Function) -> None:
    event = through_cloudfront(
        "POST",
        "/accounts/login/",
        host=HOST,
        headers=[("Cookie", "session=abcsession"), ("Content-Type", "application/x-www-form-urlencoded")],
        body=b"email=carol%40example.org&password=hunter2hunter2",
    )
    _, _, log = web.invoke(event)
    assert log
    for secret in ("hunter2", "abcsession", "carol", "the secret that only"):
        assert secret not in log


@pytest.mark.parametrize(
    ("path", "query"), [("/s/AbCdEfGhIjKlMnOpQrStUvWx/", ""), ("/", "q=holiday"), ("/nothing/", "q=holiday")]
)
def test_neither_who_asked_nor_what_a_link_shows_is_logged(web: Function, path: str, query: str) -> None:
    event = through_cloudfront(
        "GET", path, query=query, host=HOST, headers=[("Referer", f"https://{HOST}/me")]
    )
    _, _, log = web.invoke(event)
    for secret in ("203.0.113.7", "AbCdEf", "holiday", f"{HOST}/me"):
        assert secret not in log


def test_an_error_page_reveals_no_code(web: Function) -> None:
    answer, _, _ = web.invoke({"httpMethod": "GET", "path": "/", "headers": None, "requestContext": {}})
    assert "Traceback" not in answer
