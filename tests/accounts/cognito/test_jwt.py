"""Every way in which a token can be invalid."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk
from jose import jwt as jose_jwt
from jose.backends.base import Key

from imagesite.accounts.cognito import jwt
from imagesite.accounts.cognito.errors import CognitoUnavailable, InvalidToken

POOL, CLIENT = "eu-west-1_Example01", "3n4b5urk1ft4fl3mg5e62d9ado"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"


@functools.cache
def key_of(_name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


ours, other = functools.partial(key_of, "ours"), functools.partial(key_of, "other")


@functools.cache  # the library checks a private key on every read, which is slow
def private(key: rsa.RSAPrivateKey, algorithm: str = "RS256") -> Key:
    return jwk.construct(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        algorithm,
    )


def public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def published(key: rsa.RSAPrivateKey, kid: str) -> dict[str, str]:
    made = jwk.construct(public(key), "RS256").to_dict()
    return {**made, "kid": kid, "use": "sig"}


@pytest.fixture(autouse=True)
def fetched(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Serve the pool's keys; return a list of the times when they were fetched."""
    settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID = POOL, CLIENT
    asked: list[float] = []

    def fetch() -> list[dict[str, str]]:
        asked.append(time.monotonic())
        return [published(ours(), "ours")]

    monkeypatch.setattr(jwt, "_keys", jwt.KeyCache())
    monkeypatch.setattr(jwt, "fetch_keys", fetch)
    return asked


def claims(use: str, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {
        "sub": "6f1e7a52-0000-4000-8000-000000000000",
        "iss": ISSUER,
        "aud" if use == "id" else "client_id": CLIENT,
        "token_use": use,
        "iat": now,
        "auth_time": now,
        "exp": now + 900,
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def token(use: str, key: rsa.RSAPrivateKey | None = None, kid: str = "ours", **changes: Any) -> str:
    return str(
        jose_jwt.encode(
            claims(use, **changes), private(key or ours()), algorithm="RS256", headers={"kid": kid}
        )
    )


@pytest.mark.parametrize("use", ["id", "access"])
def test_it_works(use: Use) -> None:
    assert jwt.verify(token(use), use)["sub"] == claims(use)["sub"]


Use = Literal["id", "access"]
USES = pytest.mark.parametrize("use", ["id", "access"])


@USES
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"exp": "never"},
        {"nbf": 9_000_000_000},
        {"iat": None},
        {"iss": None},
        {"iss": ISSUER + "2"},
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other"},
        {"iss": [ISSUER, "https://evil.example"]},
        {"sub": None},
        {"sub": 7},
        {"token_use": None},
        {"token_use": "refresh"},
    ],
    ids=str,
)
def test_an_invalid_claim_is_refused(use: Use, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token(use, **changes), use)


@pytest.mark.parametrize("aud", [None, "", "another", ["another"], [CLIENT, "another"]], ids=str)
def test_an_id_token_for_another_client_is_refused(aud: Any) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token("id", aud=aud), "id")


@pytest.mark.parametrize("client", [None, "", "another", [CLIENT]], ids=str)
def test_an_access_token_for_another_client_is_refused(client: Any) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token("access", client_id=client), "access")


def test_an_access_token_is_not_an_id_token() -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token("id"), "access")
    with pytest.raises(InvalidToken):
        jwt.verify(token("access"), "id")
    with pytest.raises(InvalidToken):
        jwt.verify(token("id", token_use="access", client_id=CLIENT), "id")


@USES
def test_another_key_under_our_name_is_refused(use: Use) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token(use, other()), use)


def _unsigned(use: str) -> str:
    parts = [{"alg": "none", "kid": "ours"}, claims(use)]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."
    )


def _hs256(use: str) -> str:
    """Return a token signed with the public key as if it were a shared secret."""

    def b64(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = b64(json.dumps({"alg": "HS256", "kid": "ours", "typ": "JWT"}).encode())
    body = b64(json.dumps(claims(use)).encode())
    return f"{head}.{body}.{b64(hmac.digest(public(ours()), f'{head}.{body}'.encode(), hashlib.sha256))}"


def _rs512(use: str) -> str:
    return str(
        jose_jwt.encode(claims(use), private(ours(), "RS512"), algorithm="RS512", headers={"kid": "ours"})
    )


@USES
@pytest.mark.parametrize("make", [_unsigned, _hs256, _rs512])
def test_only_rs256_is_taken(use: Use, make: Callable[[str], str]) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(make(use), use)


def _with_claims_of(mine: str, other: str) -> str:
    head, _, signature = mine.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


@USES
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda t: "", id="empty"),
        pytest.param(lambda t: "garbage", id="garbage"),
        pytest.param(lambda t: "a.b.c", id="three parts of garbage"),
        pytest.param(lambda t: t[:-2], id="short signature"),
        pytest.param(lambda t: t.rpartition(".")[0], id="no third part"),
        pytest.param(lambda t: t.rpartition(".")[0] + ".", id="no signature"),
        pytest.param(lambda t: t + ".x", id="four parts"),
        pytest.param(lambda t: "ü." + t, id="not ASCII"),
        pytest.param(lambda t: t.replace(".", "..", 1), id="empty part"),
        pytest.param(lambda t: _with_claims_of(t, token("id", sub="other")), id="claims of another"),
    ],
)
def test_a_modified_token_is_refused(use: Use, spoil: Callable[[str], str]) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(spoil(token(use)), use)


def test_a_token_without_a_key_id_is_refused() -> None:
    bare = jose_jwt.encode(claims("id"), private(ours()), algorithm="RS256")
    with pytest.raises(InvalidToken):
        jwt.verify(bare, "id")


def test_an_id_token_fits_the_access_token_that_came_with_it() -> None:
    access = token("access")
    paired = jose_jwt.encode(
        claims("id"), private(ours()), algorithm="RS256", headers={"kid": "ours"}, access_token=access
    )
    assert jwt.verify(paired, "id", access=access)
    assert jwt.verify(paired, "id")
    with pytest.raises(InvalidToken):
        jwt.verify(paired, "id", access=token("access", sub="other"))


# --- The pool's keys ----------------------------------------------------------------------------------------


def test_keys_are_fetched_once(fetched: list[float]) -> None:
    for _ in range(3):
        jwt.verify(token("id"), "id")
    assert len(fetched) == 1


def test_keys_from_the_deploy_are_used_without_a_request(
    settings: Any, fetched: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COGNITO_JWKS = {"keys": [published(ours(), "ours")]}
    monkeypatch.setattr(jwt, "_keys", jwt.KeyCache())
    assert jwt.verify(token("id"), "id")
    assert fetched == []
    jwt._keys._fetched_at -= jwt.KEY_LIFETIME + 1
    assert jwt.verify(token("id"), "id")
    assert len(fetched) == 1


def test_unknown_key_ids_do_not_cause_a_request_each_time(fetched: list[float]) -> None:
    for number in range(5):
        with pytest.raises(InvalidToken):
            jwt.verify(token("id", other(), f"invented-{number}"), "id")
    assert len(fetched) == 1


def test_a_rotated_key_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    jwt.verify(token("id"), "id")
    keys = [published(ours(), "ours"), published(other(), "new")]
    monkeypatch.setattr(jwt, "fetch_keys", lambda: keys)
    jwt._keys._fetched_at -= jwt.REFETCH_INTERVAL + 1
    assert jwt.verify(token("id", other(), "new"), "id")


def test_a_withdrawn_key_is_invalid_within_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    jwt.verify(token("id"), "id")
    monkeypatch.setattr(jwt, "fetch_keys", lambda: [published(other(), "new")])
    jwt._keys._fetched_at -= jwt.KEY_LIFETIME + 1
    with pytest.raises(InvalidToken):
        jwt.verify(token("id"), "id")


def test_known_keys_are_used_while_the_pool_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    jwt.verify(token("id"), "id")

    def fail() -> None:
        raise CognitoUnavailable("gone")

    monkeypatch.setattr(jwt, "fetch_keys", fail)
    jwt._keys._fetched_at -= jwt.KEY_LIFETIME + 1
    assert jwt.verify(token("id"), "id")


class Answer(BaseHTTPRequestHandler):
    status, body = 200, b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(settings: Any) -> Iterator[type[Answer]]:
    answer = type("OneAnswer", (Answer,), {})
    listening = HTTPServer(("127.0.0.1", 0), answer)
    thread = threading.Thread(target=listening.serve_forever, args=[0.01])
    thread.start()
    settings.COGNITO_JWKS_URL = f"http://127.0.0.1:{listening.server_port}/pool/.well-known/jwks.json"
    yield answer
    listening.shutdown()
    thread.join()
    listening.server_close()


fetch_keys = jwt.fetch_keys


def test_keys_are_fetched_over_http(server: type[Answer]) -> None:
    server.body = json.dumps({"keys": [published(ours(), "ours")]}).encode()
    assert fetch_keys()[0]["kid"] == "ours"


@pytest.mark.parametrize(
    ("status", "body"), [(503, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")]
)
def test_a_response_without_keys_is_a_fault(server: type[Answer], status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(CognitoUnavailable):
        fetch_keys()
