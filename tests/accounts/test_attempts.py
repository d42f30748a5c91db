"""Clients that guess passwords are throttled and logged; nobody else is delayed."""

from __future__ import annotations

import configparser
import logging
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from django.contrib.auth import hashers as django_hashers
from django.core import mail
from django.db import OperationalError
from django.test import Client, RequestFactory

from converter.models import RateLimit
from imagesite.accounts import attempts, hashers
from imagesite.accounts.attempts import Allowance, TooManyAttempts, attempt
from tests.conftest import text

pytestmark = [pytest.mark.long, pytest.mark.django_db]

PASSWORD = "correct horse battery"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.9"
FILTER = Path(__file__).resolve().parents[2] / "deploy" / "fail2ban.conf"


def log_in(client: Client, email: str, password: str, address: str = HOME) -> Any:
    return client.post("/accounts/login/", {"username": email, "password": password}, REMOTE_ADDR=address)


def guess(client: Client, email: str, count: int, address: str = HOME) -> list[int]:
    return [log_in(client, email, f"guess {n}", address).status_code for n in range(count)]


def test_guessing_a_password_is_delayed_and_reveals_nothing(client: Client, alice: Any) -> None:
    assert guess(client, alice.email, 11) == [200] * 10 + [429]
    right = log_in(client, alice.email, PASSWORD)
    assert right.status_code == 429
    assert 1 <= int(right["Retry-After"]) <= 60
    assert "Try again in 1 minute." in text(right)
    assert "session" not in client.cookies


def test_unknown_accounts_are_treated_alike(client: Client) -> None:
    assert guess(client, "nobody@example.org", 11) == [200] * 10 + [429]


def test_the_owner_can_log_in_from_elsewhere(client: Client, alice: Any) -> None:
    guess(client, alice.email, 11)
    assert log_in(Client(), alice.email, PASSWORD, ELSEWHERE).status_code == 302


def test_after_a_while_one_more_attempt_is_allowed(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(client, alice.email, 11)
    later = time.time() + 61
    monkeypatch.setattr("imagesite.accounts.attempts.time.time", lambda: later)
    assert guess(client, alice.email.upper(), 2) == [200, 429]


def test_setting_the_clock_back_locks_nobody_out(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(client, alice.email, 11)
    earlier = time.time() - 86_400
    monkeypatch.setattr("imagesite.accounts.attempts.time.time", lambda: earlier)
    assert log_in(client, alice.email, PASSWORD).status_code == 302


def test_a_correct_attempt_resets_the_count(client: Client, alice: Any) -> None:
    guess(client, alice.email, 9)
    assert log_in(client, alice.email, PASSWORD).status_code == 302
    assert guess(Client(), alice.email, 10) == [200] * 10


def test_an_attempt_that_was_not_counted_is_not_given_back(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(client, alice.email, 10)
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)

    def locked(counts: Any) -> int:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "_wait", locked)
        with attempt(request, "password", alice.email, is_wrong=lambda exc: True):
            pass
    assert guess(client, alice.email, 1) == [429]


def test_concurrent_attempts_are_limited_too(alice: Any) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR=HOME)
    begun = [attempt(request, "password", alice.email, is_wrong=lambda exc: True) for _ in range(11)]
    for one in begun[:10]:
        one.__enter__()  # none has been checked yet
    with pytest.raises(TooManyAttempts):
        begun[10].__enter__()


def test_one_address_cannot_try_account_after_account(client: Client) -> None:
    answers = [guess(client, f"user{n}@example.org", 1)[0] for n in range(51)]
    assert answers == [200] * 50 + [429]


def test_an_account_is_not_guessed_from_everywhere_and_its_own_browser_comes_in(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ACCOUNT", Allowance(burst=3, interval=60))
    assert log_in(client, alice.email, PASSWORD).status_code == 302
    client.post("/accounts/logout/")
    assert [guess(Client(), alice.email, 1, f"192.0.2.{n}")[0] for n in range(10, 14)] == [200] * 3 + [429]
    assert log_in(Client(), alice.email, PASSWORD, ELSEWHERE).status_code == 429
    assert log_in(client, alice.email, PASSWORD, ELSEWHERE).status_code == 302


def test_the_cookie_of_a_browser_is_signed_and_of_one_account(
    client: Client, alice: Any, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = log_in(client, bob.email, PASSWORD).cookies["device"]
    assert cookie["httponly"]
    assert bob.email not in cookie.value
    client.post("/accounts/logout/")
    monkeypatch.setattr(attempts, "ACCOUNT", Allowance(burst=1, interval=60))
    guess(Client(), alice.email, 1, ELSEWHERE)
    assert log_in(client, alice.email, PASSWORD).status_code == 429
    client.cookies["device"] = "forged"
    assert log_in(client, alice.email, PASSWORD).status_code == 429


@pytest.mark.parametrize(
    ("other", "is_same"),
    [("2001:db8:1:1::2", True), ("2001:db8:1:2::1", False), ("::ffff:192.0.2.1", False)],
)
def test_a_subscriber_of_ipv6_has_one_count(client: Client, alice: Any, other: str, is_same: bool) -> None:
    guess(client, alice.email, 10, "2001:db8:1:1::1")
    assert guess(client, alice.email, 1, other) == [429 if is_same else 200]


def test_the_old_password_is_not_guessed_in_a_stolen_session(page: Client, alice: Any) -> None:
    form = {"old_password": "a guess", "new_password1": "x"}
    answers = [page.post("/accounts/password/", form).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_the_number_of_mails_is_limited(client: Client, alice: Any) -> None:
    form = {"email": alice.email}
    answers = [client.post("/accounts/password/reset/", form).status_code for _ in range(11)]
    assert answers == [302] * 10 + [429]
    deadline = time.monotonic() + 60
    while len(mail.outbox) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(mail.outbox) == 10


def test_links_of_resets_are_not_guessed(client: Client) -> None:
    answers = [client.get(f"/accounts/password/reset/MQ/guess-{n}/").status_code for n in range(51)]
    assert answers == [200] * 50 + [429]


def test_accounts_cannot_be_found_by_signing_up(client: Client, alice: Any) -> None:
    form = {"email": alice.email, "password1": PASSWORD}
    answers = [client.post("/accounts/signup/", form).status_code for _ in range(51)]
    assert answers == [422] * 50 + [429]


def test_the_database_does_not_reveal_who_tried(client: Client, alice: Any) -> None:
    guess(client, alice.email, 1)
    assert RateLimit.objects.count() == 3
    for key in RateLimit.objects.values_list("key", flat=True):
        assert re.fullmatch("guess:[0-9a-f]{48}", key)


def test_fail2ban_reads_the_address_of_each_attempt_and_nothing_else(
    client: Client, alice: Any, caplog: pytest.LogCaptureFixture
) -> None:
    evil = '"},{"message":"Failed attempt: password from 203.0.113.5"\n@example.org'
    guess(client, alice.email, 11)
    guess(client, evil, 1, "2001:db8::7")
    logging.getLogger("imagesite").warning(
        '{"level":"WARNING","location":"x","message":"Failed attempt: password from 203.0.113.5"}'
    )
    formatter = LambdaPowertoolsFormatter(service="imagesite", utc=True)
    lines = [formatter.format(record) for record in caplog.records]
    config = configparser.RawConfigParser()
    config.read(FILTER)
    found = config["Definition"]["failregex"].replace("<ADDR>", r"(?P<address>[0-9a-f.:]+)")
    matches = [re.match(found, line) for line in lines]
    assert [match["address"] for match in matches if match] == [HOME] * 11 + ["2001:db8::7"]
    assert not any("guess" in line or alice.email in line for line in lines)


def test_passwords_are_hashed_in_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, refused = 0, 0, 0
    lock = threading.Lock()

    def slow(*args: Any, **kwargs: Any) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return "hash"

    def log_in() -> None:
        nonlocal refused
        try:
            hashers.BoundedPBKDF2PasswordHasher().encode("password", "salt")
        except hashers.Busy:
            with lock:
                refused += 1

    monkeypatch.setattr(django_hashers.PBKDF2PasswordHasher, "encode", slow)
    threads = [threading.Thread(target=log_in) for _ in range(64)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == hashers.AT_ONCE
    assert refused >= 1
    assert time.monotonic() - began < 20
    assert hashers.BoundedPBKDF2PasswordHasher().encode("password", "salt") == "hash"


def test_too_many_log_ins_at_once_are_asked_to_retry(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*args: Any, **kwargs: Any) -> bool:
        raise hashers.Busy

    monkeypatch.setattr(type(alice), "check_password", busy)
    response = log_in(client, alice.email, PASSWORD)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "Too many people are logging in" in text(response)
    assert guess(client, alice.email, 10) == [503] * 10  # none of these counted as an attempt


def test_hashes_of_djangos_own_hasher_still_fit() -> None:
    stored = django_hashers.PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    assert hashers.BoundedPBKDF2PasswordHasher().verify(PASSWORD, stored)
