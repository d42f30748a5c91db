"""Users of the deployed site, and what happens to their data."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import time
import urllib.request
from typing import Any

import boto3
from PIL import Image

from infra.deployment import Deployment
from tests.cloud import cognito
from tests.cloud.browser import Browser
from tests.cloud.iam import ACCOUNT

# As long as a project name may be, since all other names are derived from it.
PROJECT = "imagesite-eu-one"

EMAIL, PASSWORD = "carol@example.org", "Correct horse 1 battery"

CONFIGURATION = {"name": {"S": "site"}, "values": {"S": '{"notice": "Closed at noon."}'}}


class ToTheEdge(urllib.request.AbstractHTTPHandler):
    """Send every HTTPS request to the mock's edge, with the requested host name."""

    handler_order = 400  # before the default handler, which would connect to the internet

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        def connect(host: str, **more: Any) -> http.client.HTTPConnection:
            return http.client.HTTPConnection("127.0.0.1", self.port, **more)

        return self.do_open(connect, request)


class Visitor(Browser):
    """A browser whose requests go to the mock's edge; `site` is set once there is one."""

    def __init__(self, port: int) -> None:
        super().__init__("")
        self._opener.add_handler(ToTheEdge(port))


def let_guests_in(port: int, site: str) -> None:
    """Check the configured limits per guest and per IP address, whatever forwarding headers say."""
    seen = []
    for forged in ("198.51.100.1", "198.51.100.2"):
        guest = Visitor(port)
        guest.site = site
        page = guest.get("/convert/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
        headers = {
            "Content-Type": "application/json",
            "Origin": site,
            "Referer": page.url,
            "X-CSRFToken": token,
            "X-Forwarded-For": forged,
            "X-Guest": "1",
        }
        order = {"files": [{"name": "a.jpg", "size": 9}], "outputs": [{"format": "webp"}]}
        for _ in range(3):
            asked = urllib.request.Request(f"{site}/api/v1/batches", json.dumps(order).encode(), headers)
            seen.append(guest._open(asked).status)
    assert seen == [201, 201, 429, 201, 429, 429]


def join_by_mail(visitor: Visitor) -> str:
    """Sign up, confirm, reset the password and log in with Terraform's user pool; return an API token."""
    visitor.post("/accounts/signup/", {"email": EMAIL, "password": PASSWORD})
    visitor.post("/accounts/signup/confirm/", {"email": EMAIL, "code": cognito.CODE})
    visitor.post("/accounts/password/reset/", {"email": EMAIL})
    new = {"email": EMAIL, "code": cognito.CODE, "password": PASSWORD}
    assert visitor.post("/accounts/password/reset/code/", new).url.endswith("/login/")
    assert visitor.post("/accounts/login/", {"email": EMAIL, "password": "a guess"}).status == 422
    assert visitor.post("/accounts/login/", {"email": EMAIL, "password": PASSWORD}).url.endswith("/convert/")
    page = visitor.post("/accounts/tokens/", {"name": "script", "scope": "write", "days": "30"})
    token = page.text.partition('id="secret"')[2].partition(">")[2].partition("<")[0]
    assert token.startswith("img_")
    return token


def convert(visitor: Visitor, token: str) -> None:
    """Send a photo to the uploads bucket, wait until its event is processed, fetch the result at the edge."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((200, 100)).convert("RGB").save(file, "jpeg")
    photo = file.getvalue()
    order = {
        "files": [{"name": "Meer.jpg", "size": len(photo)}],
        "outputs": [{"format": "webp", "resize": {"width": 50}}],
    }
    batch = visitor.call("POST", "/api/v1/batches", order, token=token).json
    form = batch["uploads"][0]["form"]
    assert (form["url"], visitor.send_file(form, photo + b"x").status) == ("/uploads", 400)
    past_the_edge = {**form, "url": f"{os.environ['AWS_ENDPOINT_URL']}/{PROJECT}-uploads-{ACCOUNT}"}
    assert visitor.send_file(past_the_edge, photo).status == 403
    assert visitor.send_file(form, photo).status == 201
    end = time.monotonic() + 180
    while True:
        job = visitor.call("GET", f"/api/v1/jobs/{batch['jobs'][0]['id']}?wait=20", token=token).json
        if job["status"] == "finished":
            break
        assert job["status"] in ("queued", "processing"), job
        assert time.monotonic() < end, job
    result = visitor.get(job["result"]["url"])
    assert Image.open(io.BytesIO(result.content)).format == "WEBP"
    assert Image.open(io.BytesIO(result.content)).size == (50, 25)
    assert re.fullmatch(r"https://e\d+\.cloudfront\.net/results/\S+&Signature=\S+", result.url)
    assert result.headers["Content-Disposition"].startswith("attachment")
    assert result.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert visitor.get(result.url.replace("Expires=", "Expires=9")).status == 403
    assert visitor.get(result.url.partition("?")[0]).status == 403
    address = f"/api/v1/uploads/{batch['uploads'][0]['id']}/download"
    original = visitor.call("GET", address, token=token)
    assert original.content == photo
    assert re.fullmatch(r"https://e\d+\.cloudfront\.net/uploads/\S+&Signature=\S+", original.url)
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert visitor.get(original.url.partition("?")[0]).status == 403
    item = boto3.client("dynamodb").get_item(
        TableName=f"{PROJECT}-metadata", Key={"upload": {"S": batch["uploads"][0]["id"]}}
    )["Item"]
    assert item["format"]["S"] == "jpeg"


def lose_all(deployment: Deployment) -> None:
    """Empty the database, the tables and the pool."""
    deployment.zappa("manage", "production_worker", "flush --no-input")
    for table, key in ((f"{PROJECT}-metadata", "upload"), (f"{PROJECT}-configuration", "name")):
        dynamodb = boto3.client("dynamodb")
        for item in dynamodb.scan(TableName=table)["Items"]:
            dynamodb.delete_item(TableName=table, Key={key: item[key]})
    (pool,) = boto3.client("cognito-idp").list_user_pools(MaxResults=1)["UserPools"]
    boto3.client("cognito-idp").admin_delete_user(UserPoolId=pool["Id"], Username=EMAIL)


def find_all(visitor: Visitor, token: str) -> None:
    """Check that images, token and configuration are restored, and that a new password can be set."""
    batches = visitor.call("GET", "/api/v1/batches", token=token).json["items"]
    assert [batch["status"] for batch in batches] == ["finished", "finished"]
    assert boto3.client("dynamodb").scan(TableName=f"{PROJECT}-configuration")["Items"] == [CONFIGURATION]
    assert visitor.post("/accounts/login/", {"email": EMAIL, "password": PASSWORD}).status == 422
    visitor.post("/accounts/password/reset/", {"email": EMAIL})
    new = {"email": EMAIL, "code": cognito.CODE, "password": f"{PASSWORD} 2"}
    assert visitor.post("/accounts/password/reset/code/", new).url.endswith("/login/")
    visitor.post("/accounts/login/", {"email": EMAIL, "password": f"{PASSWORD} 2"})
    assert "script" in visitor.get("/accounts/tokens/").text  # created under the sub of the previous pool
