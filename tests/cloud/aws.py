"""The mock AWS: moto with what it lacks, and middleware in front of it. Started by `tests.cloud.stack`.

    python -m tests.cloud.aws

Writes one line of JSON with its addresses when it is ready, and exits when its standard input is closed.
"""

from __future__ import annotations

import base64
import json
import logging
import mimetypes
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-west-1"
)

import boto3
from botocore.exceptions import ClientError
from moto.apigateway.models import apigateway_backends
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.cloud import cognito, rest_api, roles
from tests.cloud.gateway import Edge
from tests.cloud.guard import Guard
from tests.cloud.iam import ACCOUNT, REGION
from tests.cloud.lambdas import Fleet
from tests.cloud.roles import Roles
from tests.cloud.shapes import Shapes
from tests.cloud.values import Values


class Routes:
    """Serves what moto does not know: function URLs (none), and, for tests, the logs of functions."""

    def __init__(self, application: Callable[..., Iterable[bytes]], fleet: Fleet) -> None:
        self.application, self.fleet = application, fleet

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if re.fullmatch(r"/2021-10-31/functions/[^/]+/urls", path):
            body = b'{"FunctionUrlConfigs": []}'
        elif path.startswith("/_log/"):
            body = self.fleet.logs.get(path.removeprefix("/_log/"), "").encode()
        else:
            return self.application(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]


def invoke_with(fleet: Fleet) -> Callable[..., str | bytes]:
    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
        event = json.loads(body or "{}")
        # S3 sends no headers; it does not wait for a response.
        if not request_headers or request_headers.get("X-Amz-Invocation-Type") == "Event":
            fleet.invoke_later(self, event)
            return b""
        answer, failed, log = fleet.invoke(self, event)
        if failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(log[-4096:].encode()).decode()
        return answer.encode()

    return invoke


class Quiet(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        pass


def main() -> None:
    logging.disable(logging.INFO)
    folder = Path(tempfile.mkdtemp(prefix="mock-aws-"))
    cognito.patch()
    roles.patch()
    fleet = Fleet(folder, {})
    LambdaFunction.invoke = invoke_with(fleet)  # type: ignore[method-assign]
    application = Roles(Values(Shapes(Guard(Routes(DomainDispatcherApplication(create_backend_app), fleet)))))
    aws = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    url = f"http://127.0.0.1:{aws.server_port}"
    fleet.environment.update(
        AWS_ENDPOINT_URL=url,
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )
    edge = make_server("127.0.0.1", 0, _edge(fleet, url), threaded=True, request_handler=Quiet)
    for server in (aws, edge):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"aws": url, "site": f"http://127.0.0.1:{edge.server_port}"}), flush=True)
    try:
        sys.stdin.read()
    finally:
        fleet.close()
        shutil.rmtree(folder, ignore_errors=True)


def _edge(fleet: Fleet, url: str) -> Edge:
    """Return the stand-in for CloudFront: static files, the site's function and the bucket of uploads."""
    s3 = boto3.client("s3", endpoint_url=url)

    def static(key: str) -> tuple[bytes, str] | None:
        try:
            found = s3.get_object(Bucket=f"imagesite-static-{ACCOUNT}", Key=key)["Body"].read()
        except ClientError:
            return None
        return found, mimetypes.guess_type(key)[0] or "application/octet-stream"

    def invoke(name: str, event: dict[str, Any]) -> tuple[str, bool, str]:
        return fleet.invoke(lambda_backends[ACCOUNT][REGION].get_function(name), event)

    def web(event: dict[str, Any]) -> tuple[str, bool, str]:
        (api,) = apigateway_backends[ACCOUNT][REGION].apis
        return rest_api.call(api, event, invoke), False, ""

    return Edge(web, static, f"{url}/imagesite-uploads-{ACCOUNT}")


if __name__ == "__main__":
    main()
