"""A stand-in for CloudFront that behaves as Terraform's distribution describes."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any
from xml.etree import ElementTree as ET

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from werkzeug.wrappers import Request, Response

from infra.tests.cloudfront import NAMESPACE, CloudFront, arn, domain_of
from tests.cloud.gateway import proxy_event, read, send_to_bucket


class Edge:
    """A WSGI application that responds as Terraform's distribution describes.

    It speaks plain HTTP and treats every request as if it had come over TLS.
    """

    def __init__(
        self, cloudfront: CloudFront, s3: Any, call_api: Callable[[str, dict[str, Any]], str]
    ) -> None:
        """`call_api` passes a proxy event to the function behind a REST API and returns its response."""
        self.cloudfront, self.s3, self.call_api = cloudfront, s3, call_api
        self.errors: dict[tuple[str, str], tuple[float, Response]] = {}  # URL -> (expiry time, cached error)
        self.clock = time.monotonic

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        found = self.distribution_of(request.host)
        if found is None:
            return Response("No distribution has this name.", 403)
        name, distribution = found
        behaviour = behaviour_of(distribution, request.path)
        if request.method not in texts(behaviour, "AllowedMethods/Items/Method"):
            return Response("This method is not allowed here.", 403)
        groups = texts(behaviour, "TrustedKeyGroups/Items/KeyGroup")
        if groups and not self.is_signed(request, groups):
            return Response("Missing or wrong signature.", 403)
        headers = {key.lower(): value for key, value in request.headers.items() if key.lower() != "host"}
        code = self.function_of(behaviour)
        if code is not None:
            changed = run_function(code, viewer_request(request))
            if "statusCode" in changed:
                said = {name.title(): header["value"] for name, header in changed["headers"].items()}
                return Response(status=changed["statusCode"], headers=said)
            headers, request = headers_of(changed), rewritten(request, changed)
        answer = self.remembered(name, distribution, behaviour, request, headers)
        self.add_security_headers(answer, behaviour.findtext("ResponseHeadersPolicyId", ""))
        return answer

    def remembered(
        self,
        name: str,
        distribution: ET.Element,
        behaviour: ET.Element,
        request: Request,
        headers: dict[str, str],
    ) -> Response:
        """Request from the origin, unless an error for this URL is still cached."""
        address = (name, request.full_path)
        until, kept = self.errors.get(address, (0.0, None))
        if kept and request.method in ("GET", "HEAD") and self.clock() < until:
            return Response(kept.get_data(), kept.status_code, kept.headers)
        answer = self.from_origin(name, distribution, behaviour, request, headers)
        seconds = error_seconds(distribution, answer.status_code)
        if seconds and request.method in ("GET", "HEAD"):
            self.errors[address] = (self.clock() + seconds, answer)
        return answer

    def from_origin(
        self,
        name: str,
        distribution: ET.Element,
        behaviour: ET.Element,
        request: Request,
        headers: dict[str, str],
    ) -> Response:
        origin = next(
            o for o in distribution.iter("Origin") if o.findtext("Id") == behaviour.findtext("TargetOriginId")
        )
        if origin.find("CustomOriginConfig") is None:
            if request.method in ("GET", "HEAD"):
                return self.from_bucket(origin, arn("distribution", name), request)
            return self.to_bucket(origin, request, headers)
        return self.from_api(origin, request, headers)

    def distribution_of(self, host: str) -> tuple[str, ET.Element] | None:
        for (kind, name), config in self.cloudfront.configs.items():
            if kind == "distribution":
                distribution = bare(config)
                if host in [domain_of(name), *texts(distribution, "Aliases/Items/CNAME")]:
                    return name, distribution
        return None

    def function_of(self, behaviour: ET.Element) -> str | None:
        for association in behaviour.iter("FunctionAssociation"):
            assert association.findtext("EventType") == "viewer-request"
            name = association.findtext("FunctionARN", "").rpartition("/")[2]
            return base64.b64decode(self.cloudfront.functions[name]["code"]).decode()
        return None

    def is_signed(self, request: Request, groups: list[str]) -> bool:
        """Return whether a key of these groups signed this exact URL and the signature has not expired."""
        expires, key = request.args.get("Expires", "0"), request.args.get("Key-Pair-Id", "")
        trusted = {
            key
            for group in groups
            for key in texts(bare(self.cloudfront.configs["key-group", group]), "Items/PublicKey")
        }
        if int(expires) < time.time() or key not in trusted:
            return False
        address = f"https://{request.host}{request.environ['RAW_URI'].partition('?')[0]}"
        condition = {"DateLessThan": {"AWS:EpochTime": int(expires)}}
        policy = json.dumps(
            {"Statement": [{"Resource": address, "Condition": condition}]}, separators=(",", ":")
        )
        pem = bare(self.cloudfront.configs["public-key", key]).findtext("EncodedKey", "")
        public = serialization.load_pem_public_key(pem.encode())
        assert isinstance(public, rsa.RSAPublicKey)
        signature = request.args.get("Signature", "").translate(str.maketrans("-_~", "+=/"))
        try:
            public.verify(base64.b64decode(signature), policy.encode(), padding.PKCS1v15(), hashes.SHA1())
        except InvalidSignature:
            return False
        return True

    def from_bucket(self, origin: ET.Element, distribution: str, request: Request) -> Response:
        """Fetch an object, if the bucket's policy allows this distribution."""
        bucket, key = bucket_of(origin), request.path.lstrip("/")
        if not origin.findtext("OriginAccessControlId"):
            return Response("AccessDenied", 403)  # an anonymous request
        policy = json.loads(self.s3.get_bucket_policy(Bucket=bucket)["Policy"])
        wanted = f"arn:aws:s3:::{bucket}/{key}"
        if not any(
            statement["Effect"] == "Allow"
            and statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
            and statement["Condition"] == {"StringEquals": {"aws:SourceArn": distribution}}
            and fnmatchcase(wanted, statement["Resource"])
            for statement in policy["Statement"]
        ):
            return Response("AccessDenied", 403)
        try:
            found = self.s3.get_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return Response(
                "AccessDenied", 403
            )  # without permission to list, a missing object is not reported as such
        kept = ("Content-Type", "Content-Disposition", "Cache-Control")
        headers = {name: value for name in kept if (value := found.get(name.replace("-", "")))}
        return Response(found["Body"].read(), headers=headers)

    def to_bucket(self, origin: ET.Element, request: Request, headers: dict[str, str]) -> Response:
        """Pass a request on to S3, signed by CloudFront if the origin requires it."""
        if origin.findtext("OriginAccessControlId"):
            headers = {**headers, "authorization": "AWS4-HMAC-SHA256 Credential=CloudFront"}
        headers = {**headers, **custom_headers(origin)}
        url = f"{self.s3.meta.endpoint_url}/{bucket_of(origin)}{request.path}"
        status, several, content = send_to_bucket(url, request.method, headers, request.get_data())
        return Response(content, status, several)

    def from_api(self, origin: ET.Element, request: Request, headers: dict[str, str]) -> Response:
        headers = {**headers, **custom_headers(origin)}
        event = proxy_event(
            request.method,
            request.path,
            query=request.query_string.decode(),
            headers=headers.items(),
            body=request.get_data(),
        )
        assert origin.findtext("OriginPath") == f"/{event['requestContext']['stage']}"
        status, several, content = read(self.call_api(origin.findtext("DomainName", ""), event))
        answer = Response(content, status)
        answer.headers.clear()
        answer.headers.extend((name, value) for name, value in several if name.lower() != "content-length")
        return answer

    def add_security_headers(self, answer: Response, policy: str) -> None:
        config = bare(self.cloudfront.configs["response-headers-policy", policy]).find(
            "SecurityHeadersConfig"
        )
        assert config is not None
        said = {
            "Content-Security-Policy": config.findtext("ContentSecurityPolicy/ContentSecurityPolicy"),
            "Referrer-Policy": config.findtext("ReferrerPolicy/ReferrerPolicy"),
            "X-Frame-Options": config.findtext("FrameOptions/FrameOption"),
            "X-Content-Type-Options": "nosniff" if config.find("ContentTypeOptions") is not None else None,
        }
        overriding = [element.tag for element in config if element.findtext("Override") == "true"]
        for name, value in said.items():
            tag = name.removeprefix("X-").replace("-", "")
            if value and (tag in overriding or name not in answer.headers):
                answer.headers[name] = value


def bare(config: str) -> ET.Element:
    """Parse a configuration without its namespace."""
    return ET.fromstring(config.replace(f' xmlns="{NAMESPACE}"', ""))


def texts(element: ET.Element, path: str) -> list[str]:
    return [found.text or "" for found in element.iterfind(path)]


# Errors that CloudFront caches by default, regardless of the response headers.
CACHED_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)


def error_seconds(distribution: ET.Element, status: int) -> float:
    """Return how long a response with this status is cached for its URL."""
    for error in distribution.iterfind("CustomErrorResponses/Items/CustomErrorResponse"):
        if error.findtext("ErrorCode") == str(status):
            return float(error.findtext("ErrorCachingMinTTL", "10"))
    return 10.0 if status in CACHED_ERRORS else 0.0


def behaviour_of(distribution: ET.Element, path: str) -> ET.Element:
    for behaviour in distribution.iterfind("CacheBehaviors/Items/CacheBehavior"):
        if fnmatchcase(path, behaviour.findtext("PathPattern", "")):
            return behaviour
    default = distribution.find("DefaultCacheBehavior")
    assert default is not None
    return default


def custom_headers(origin: ET.Element) -> dict[str, str]:
    """Return the headers that CloudFront sets on each request to this origin, overriding the visitor's."""
    return {
        header.findtext("HeaderName", "").lower(): header.findtext("HeaderValue", "")
        for header in origin.iter("OriginCustomHeader")
    }


def bucket_of(origin: ET.Element) -> str:
    return origin.findtext("DomainName", "").partition(".s3.")[0]


def rewritten(request: Request, changed: dict[str, Any]) -> Request:
    """Apply the result of a CloudFront function: its path, and no query if it was removed."""
    path = str(changed["uri"]).encode().decode("latin-1")
    query = request.environ["QUERY_STRING"] if changed["querystring"] else ""
    return Request({**request.environ, "PATH_INFO": path, "QUERY_STRING": query})


def viewer_request(request: Request) -> dict[str, Any]:
    """Return the event that a CloudFront function receives for this request."""
    query: dict[str, Any] = {}
    for field in filter(None, request.query_string.decode().split("&")):
        name, _, value = field.partition("=")
        if name in query:
            first = {"value": query[name]["value"]}
            query[name].setdefault("multiValue", [first]).append({"value": value})
        else:
            query[name] = {"value": value}
    headers = {key.lower(): {"value": value} for key, value in request.headers.items()}
    headers.pop("cookie", None)
    return {
        "version": "1.0",
        "context": {
            "eventType": "viewer-request",
            "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
        },
        "viewer": {"ip": "203.0.113.7"},
        "request": {
            "method": request.method,
            "uri": request.path,
            "querystring": query,
            "headers": headers,
            "cookies": {name: {"value": value} for name, value in request.cookies.items()},
        },
    }


def headers_of(changed: dict[str, Any]) -> dict[str, str]:
    """Return the headers sent to the origin, including cookies."""
    headers = {name: header["value"] for name, header in changed["headers"].items() if name != "host"}
    if changed["cookies"]:
        headers["cookie"] = "; ".join(f"{name}={kept['value']}" for name, kept in changed["cookies"].items())
    return headers


# An empty context: like CloudFront's runtime, it has neither modules nor network.
RUN = """
const input = JSON.parse(require('fs').readFileSync(0));
const changed = require('vm').runInNewContext(input.code + '\\nhandler(event)', { event: input.event });
process.stdout.write(JSON.stringify(changed));
"""


def run_function(code: str, event: dict[str, Any]) -> dict[str, Any]:
    """Run a CloudFront function in Node; return the request or response that it produces."""
    done = subprocess.run(
        ["node", "-e", RUN],
        input=json.dumps({"code": code, "event": event}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    changed: dict[str, Any] = json.loads(done.stdout)
    return changed
