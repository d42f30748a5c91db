"""CloudFront functions, run in Node with events as CloudFront makes them, and other behaviour of the edge."""

from __future__ import annotations

import base64
import io
import json
import shutil
from typing import Any

import boto3
import pytest
from botocore.config import Config
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from infra.tests.cloudfront import NAMESPACE, CloudFront
from infra.tests.edge import CACHED_ERRORS, Edge, run_function, viewer_request
from infra.tests.mock_aws import MockAws
from infra.tests.terraform import INFRA, Terraform, environment
from tests.cloud.stack import policy


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Fill in the template as edge.tf does."""
    folder = tmp_path_factory.mktemp(
        "terraform"
    )  # its own folder, since the console locks its working directory
    shutil.copy(INFRA / "edge" / "viewer_request.js", folder)
    terraform = Terraform(folder, environment(folder))

    def render(root_domain: str, site_domain: str) -> str:
        names = json.dumps({"root_domain": root_domain, "site_domain": site_domain})
        call = f'base64encode(templatefile("viewer_request.js", {names}))'
        return base64.b64decode(terraform("console", stdin=call).strip().strip('"')).decode()

    return render


@pytest.fixture(scope="module")
def code(render: Any) -> str:
    rendered: str = render("example.com", "images.example.com")
    return rendered


def event(path: str = "/", host: str = "images.example.com", **more: Any) -> dict[str, Any]:
    return viewer_request(Request(EnvironBuilder(path, f"https://{host}", **more).get_environ()))


def test_the_requested_host_is_forwarded(code: str) -> None:
    assert run_function(code, event())["headers"]["x-forwarded-host"] == {"value": "images.example.com"}


def test_a_forged_host_header_is_overwritten(code: str) -> None:
    forged = event(
        headers=[("X-Forwarded-Host", "evil.example.com"), ("X-FORWARDED-HOST", "worse.example.com")]
    )
    assert "evil.example.com" in forged["request"]["headers"]["x-forwarded-host"]["value"]
    assert run_function(code, forged)["headers"]["x-forwarded-host"] == {"value": "images.example.com"}


def test_everything_else_is_forwarded_unchanged(code: str) -> None:
    sent = event(
        "/batches/?a=1&a=2&b=%C3%BC+x&empty=",
        method="POST",
        headers=[("Cookie", "sessionid=abc; csrftoken=def"), ("Accept-Language", "de"), ("X-Own", "kept")],
    )
    changed = run_function(code, sent)
    del changed["headers"]["x-forwarded-host"]
    assert changed == sent["request"]
    assert changed["cookies"] == {"sessionid": {"value": "abc"}, "csrftoken": {"value": "def"}}
    assert changed["querystring"]["b"] == {"value": "%C3%BC+x"}
    assert changed["querystring"]["a"]["multiValue"] == [{"value": "1"}, {"value": "2"}]


def test_the_root_domain_redirects_permanently(code: str) -> None:
    for address in ("/", "/formats/", "/batches/?a=1&a=2&b=%C3%BC+x&empty="):
        answer = run_function(code, event(address, host="example.com"))
        assert answer["statusCode"] == 301
        assert answer["headers"] == {"location": {"value": f"https://images.example.com{address}"}}


def test_without_a_root_domain_nothing_redirects(render: Any) -> None:
    code = render("-", "-")
    for host in ("d111111abcdef8.cloudfront.net", "example.com"):
        assert run_function(code, event(host=host))["headers"]["x-forwarded-host"] == {"value": host}


def test_the_function_is_small_enough_for_cloudfront(code: str) -> None:
    assert len(code.encode()) < 10_240


# --- Requests for files ---

UPLOADS = (INFRA / "edge" / "uploads_request.js").read_text()


def test_a_form_goes_to_the_root_of_the_bucket_with_only_the_headers_for_s3() -> None:
    sent = event(
        "/uploads?x=1",
        method="POST",
        headers=[
            ("Origin", "https://images.example.com"),
            ("Cookie", "session=abc"),
            ("Authorization", "Bearer img_secret"),
            ("X-Amz-Acl", "public-read"),
            ("X-Forwarded-For", "203.0.113.9"),
        ],
    )
    sent["request"]["headers"] |= {"content-length": {"value": "7"}, "content-type": {"value": "a/b"}}
    changed = run_function(UPLOADS, sent)
    assert (changed["uri"], changed["querystring"], changed["cookies"]) == ("/", {}, {})
    assert changed["headers"] == {
        "content-length": {"value": "7"},
        "content-type": {"value": "a/b"},
        "host": {"value": "images.example.com"},
        "origin": {"value": "https://images.example.com"},
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_only_forms_are_forwarded(method: str) -> None:
    answer = run_function(UPLOADS, event("/uploads", method=method))
    assert (answer["statusCode"], answer["headers"]) == (405, {"allow": {"value": "OPTIONS, POST"}})


WITH_UPLOADS = f"""
<DistributionConfig xmlns="{NAMESPACE}">
  <Origins><Items><Origin>
    <Id>uploads</Id><DomainName>site-uploads.s3.eu-west-1.amazonaws.com</DomainName>
    <OriginAccessControlId>{{access}}</OriginAccessControlId>
    <CustomHeaders><Items><OriginCustomHeader>
      <HeaderName>Referer</HeaderName><HeaderValue>{{door}}</HeaderValue>
    </OriginCustomHeader></Items></CustomHeaders>
  </Origin></Items></Origins>
  <DefaultCacheBehavior>
    <TargetOriginId>uploads</TargetOriginId><ResponseHeadersPolicyId>pages</ResponseHeadersPolicyId>
    <AllowedMethods><Items><Method>GET</Method><Method>POST</Method></Items></AllowedMethods>
    <FunctionAssociations><Items><FunctionAssociation>
      <EventType>viewer-request</EventType><FunctionARN>function/{{function}}</FunctionARN>
    </FunctionAssociation></Items></FunctionAssociations>
  </DefaultCacheBehavior>
</DistributionConfig>"""


@pytest.mark.parametrize(
    ("change", "access", "function", "door", "status"),
    [
        ({}, "", "uploads", "new", 201),
        ({}, "", "uploads", "old", 201),
        ({}, "", "uploads", "https://images.example.com/", 403),
        ({"key": "uploads/other"}, "", "uploads", "new", 403),
        ({"file": "more than ten bytes"}, "", "uploads", "new", 400),
        ({"x-amz-signature": "0" * 64}, "", "uploads", "new", 403),
        ({}, "E1", "uploads", "new", 400),
        ({}, "", "as it came", "new", 405),
    ],
    ids=["as signed", "old key", "no door", "another key", "too large", "forged", "signed twice", "at a key"],
)
def test_s3_checks_a_form_from_the_edge_against_its_policy(
    aws: MockAws, change: dict[str, str], access: str, function: str, door: str, status: int
) -> None:
    s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="site-uploads", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    only_through_cloudfront = policy(
        Effect="Deny",
        Principal={"AWS": "*"},
        Action="s3:PutObject",
        Resource="arn:aws:s3:::site-uploads/*",
        Condition={
            "StringEquals": {"s3:authType": "POST"},
            "StringNotEquals": {"aws:Referer": ["new", "old"]},
        },
    )
    s3.put_bucket_policy(Bucket="site-uploads", Policy=only_through_cloudfront)
    conditions = [{"success_action_status": "201"}, ["content-length-range", 1, 10]]
    form = s3.generate_presigned_post(
        "site-uploads", "uploads/1", {"success_action_status": "201"}, conditions, ExpiresIn=300
    )
    config = WITH_UPLOADS.format(access=access, function=function, door=door)
    aws.cloudfront.configs["distribution", "E1"] = config
    aws.cloudfront.configs["response-headers-policy", "pages"] = POLICY
    codes = {"uploads": UPLOADS, "as it came": "function handler(event) { return event.request; }"}
    for name, code in codes.items():
        aws.cloudfront.functions[name] = {"code": base64.b64encode(code.encode()).decode()}
    fields = {**form["fields"], "file": "ten bytes!", **change}
    file = (io.BytesIO(fields.pop("file").encode()), "a.jpg")
    posted = EnvironBuilder(
        "/uploads", "https://e1.cloudfront.net", method="POST", data={**fields, "file": file}
    )
    answer = Edge(aws.cloudfront, s3, aws.call_api).answer(Request(posted.get_environ()))
    assert answer.status_code == status, answer.get_data()
    kept = [found["Key"] for found in s3.list_objects_v2(Bucket="site-uploads").get("Contents", [])]
    assert kept == (["uploads/1"] if status == 201 else [])


# --- Cached errors ---

DISTRIBUTION = f"""
<DistributionConfig xmlns="{NAMESPACE}">
  <Origins><Items><Origin>
    <Id>api</Id><DomainName>api.example.com</DomainName><OriginPath>/production</OriginPath><CustomOriginConfig/>
  </Origin></Items></Origins>
  <DefaultCacheBehavior>
    <TargetOriginId>api</TargetOriginId><ResponseHeadersPolicyId>pages</ResponseHeadersPolicyId>
    <AllowedMethods><Items><Method>GET</Method><Method>POST</Method></Items></AllowedMethods>
  </DefaultCacheBehavior>
  <CustomErrorResponses><Items>{{errors}}</Items></CustomErrorResponses>
</DistributionConfig>"""
POLICY = (
    f'<ResponseHeadersPolicyConfig xmlns="{NAMESPACE}"><SecurityHeadersConfig/></ResponseHeadersPolicyConfig>'
)
FORGOTTEN = "".join(
    f"<CustomErrorResponse><ErrorCode>{code}</ErrorCode><ErrorCachingMinTTL>0</ErrorCachingMinTTL></CustomErrorResponse>"
    for code in CACHED_ERRORS
)


@pytest.mark.parametrize("status", CACHED_ERRORS)
@pytest.mark.parametrize(
    ("errors", "second", "later"), [("", 1, 2), (FORGOTTEN, 2, 3)], ids=["left alone", "ours"]
)
def test_an_error_is_cached_unless_the_distribution_forbids_it(
    status: int, errors: str, second: int, later: int
) -> None:
    cloudfront = CloudFront()
    cloudfront.configs["distribution", "E1"] = DISTRIBUTION.format(errors=errors)
    cloudfront.configs["response-headers-policy", "pages"] = POLICY
    asked: list[str] = []

    def call_api(host: str, event: dict[str, Any]) -> str:
        asked.append(event["path"])
        return json.dumps(
            {"statusCode": status, "headers": {"Cache-Control": "no-store"}, "body": str(len(asked))}
        )

    now = 0.0
    edge = Edge(cloudfront, None, call_api)
    edge.clock = lambda: now
    seen = []
    for now in (0.0, 9.0, 20.0):  # noqa: B007 - the clock reads it
        answer = edge.answer(Request(EnvironBuilder("/page", "https://e1.cloudfront.net").get_environ()))
        assert answer.status_code == status
        seen.append(int(answer.get_data()))
    assert seen == [1, second, later]
