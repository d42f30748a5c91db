"""What moto's S3 accepts and the real one refuses: broken POST policies, expired and forged links, SigV2."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from moto.s3.models import s3_backends
from werkzeug.formparser import parse_form_data

from tests.cloud.iam import ACCOUNT, several

SECRET = "testing"
MOST_METADATA_BYTES = 2048
KEPT_WITH_AN_OBJECT = (
    "HTTP_CACHE_CONTROL",
    "HTTP_CONTENT_DISPOSITION",
    "HTTP_CONTENT_ENCODING",
    "HTTP_CONTENT_LANGUAGE",
    "CONTENT_TYPE",
    "HTTP_EXPIRES",
)
UNSIGNED_FIELDS = {"policy", "x-amz-signature", "file"}


class Forbidden(Exception):
    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def signing_key(date: str, region: str) -> bytes:
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def check_form(bucket: str, fields: dict[str, str], size: int, now: datetime) -> None:
    """Raise Forbidden unless the form has a policy signed by us and complies with it."""
    if "AWSAccessKeyId" in fields:
        raise Forbidden("InvalidRequest", "Please use AWS4-HMAC-SHA256.", 400)
    if "policy" not in fields:
        raise Forbidden("AccessDenied", "Access Denied")
    credential = fields.get("x-amz-credential", "").split("/")
    if len(credential) != 5:
        raise Forbidden("InvalidArgument", "No credential.", 400)
    key = signing_key(credential[1], credential[2])
    expected = hmac.new(key, fields["policy"].encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, fields.get("x-amz-signature", "")):
        raise Forbidden("SignatureDoesNotMatch", "The signature does not match.")
    policy = json.loads(base64.b64decode(fields["policy"]))
    if datetime.fromisoformat(policy["expiration"]) < now:
        raise Forbidden("AccessDenied", "Invalid according to Policy: Policy expired.")
    values = {**{name.lower(): value for name, value in fields.items()}, "bucket": bucket}
    named = set()
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            ((name, wanted),) = condition.items()
            operator = "eq"
        elif condition[0] == "content-length-range":
            if size < condition[1]:
                raise Forbidden("EntityTooSmall", "Your proposed upload is smaller than allowed.", 400)
            if size > condition[2]:
                raise Forbidden("EntityTooLarge", "Your proposed upload exceeds the maximum.", 400)
            continue
        else:
            operator, name, wanted = condition
            name = name.lstrip("$")
        named.add(name.lower())
        value = values.get(name.lower(), "")
        if not (value == wanted if operator == "eq" else value.startswith(wanted)):
            raise Forbidden("AccessDenied", f"Invalid according to Policy: Policy Condition failed: {name}")
    if extra := set(values) - named - UNSIGNED_FIELDS:
        raise Forbidden("AccessDenied", f"Invalid according to Policy: Extra input fields: {sorted(extra)}")


def check_link(method: str, host: str, path: str, query: str, now: datetime) -> None:
    """Raise Forbidden unless the presigned link was signed by us and has not expired."""
    parameters = parse_qsl(query, keep_blank_values=True)
    values = dict(parameters)
    if "AWSAccessKeyId" in values:
        raise Forbidden("InvalidRequest", "Please use AWS4-HMAC-SHA256.", 400)
    stamp = datetime.strptime(values["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if now > stamp + timedelta(seconds=int(values["X-Amz-Expires"])):
        raise Forbidden("AccessDenied", "Request has expired")
    _, date, region, _, _ = values["X-Amz-Credential"].split("/")
    signed = sorted(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in parameters
        if name != "X-Amz-Signature"
    )
    canonical = "\n".join(
        [
            method,
            quote(unquote(path), safe="/-_.~"),
            "&".join(signed),
            f"host:{host}\n",
            "host",
            "UNSIGNED-PAYLOAD",
        ]
    )
    scope = f"{date}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{values['X-Amz-Date']}\n{scope}\n{digest}"
    expected = hmac.new(signing_key(date, region), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, values["X-Amz-Signature"]):
        raise Forbidden("SignatureDoesNotMatch", "The signature does not match.")


def check_post(path: str, environ: dict[str, Any]) -> None:
    """Raise Forbidden unless the form is posted to the root of a bucket and signed only in its fields."""
    if "/" in path.strip("/"):
        raise Forbidden("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    if "HTTP_AUTHORIZATION" in environ:
        raise Forbidden("InvalidArgument", "Only one auth mechanism allowed", 400)


def check_door(bucket: str, environ: dict[str, Any]) -> None:
    """Raise Forbidden if the bucket's policy denies the form for its Referer."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    for statement in json.loads(found.policy or "{}").get("Statement", []) if found else []:
        tests = statement.get("Condition", {})
        is_of_forms = tests.get("StringEquals", {}).get("s3:authType") == "POST"
        taken = tests.get("StringNotEquals", {}).get("aws:Referer", [])
        if (
            statement["Effect"] == "Deny"
            and is_of_forms
            and environ.get("HTTP_REFERER") not in several(taken)
        ):
            raise Forbidden("AccessDenied", "Access Denied by a bucket policy")


def check_headers(environ: dict[str, Any]) -> None:
    """Raise Forbidden if the headers stored with an object exceed 2 KB, names and values together."""
    kept = {name: environ.get(name, "") for name in KEPT_WITH_AN_OBJECT}
    if (
        sum(len(f"{name.removeprefix('HTTP_')}{value}") for name, value in kept.items() if value)
        > MOST_METADATA_BYTES
    ):
        raise Forbidden(
            "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", 400
        )


class Guard:
    """WSGI middleware in front of moto."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            self._check(environ)
        except Forbidden as refused:
            body = f"<Error><Code>{refused.code}</Code><Message>{refused}</Message></Error>".encode()
            headers = [("Content-Type", "application/xml"), ("Access-Control-Allow-Origin", "*")]
            start_response(f"{refused.status} ", headers)
            return [body]
        return self.application(environ, start_response)

    def _check(self, environ: dict[str, Any]) -> None:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
        query = environ.get("QUERY_STRING", "")
        now = datetime.now(UTC)
        if method == "POST" and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
            check_post(path, environ)
            check_door(path.strip("/"), environ)
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            _, form, files = parse_form_data({**environ, "wsgi.input": io.BytesIO(body)})
            file = files.get("file")
            if file is None:
                raise Forbidden("InvalidArgument", "POST requires exactly one file upload per request.", 400)
            with closing(file):
                check_form(path.strip("/"), form.to_dict(), len(file.read()), now)
            return
        if method == "PUT":
            check_headers(environ)
        if "X-Amz-Signature=" in query or "Signature=" in query:
            check_link(method, environ["HTTP_HOST"], path, query, now)
