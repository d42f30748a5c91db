"""Read secrets from AWS Systems Manager Parameter Store: one parameter per setting, below a given path.

Every cold start waits for them, and creating a botocore client takes longer than the request itself, so only
botocore's signing is used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import EnvProvider

TIMEOUT = urllib3.Timeout(connect=3, read=5)
# SSM throttles with status 400, which happens when many functions start at once.
RETRIES = urllib3.Retry(
    3,
    backoff_factor=0.3,
    backoff_jitter=0.3,
    status_forcelist=(400, 429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)


class SecretsError(Exception):
    """The secrets, without which nothing may start, could not be read."""


def read(path: str) -> dict[str, str]:
    """Return the values below `path` by the last part of each name.

    They go to the settings, not into the environment, which every child process inherits.
    Raises SecretsError if there are no credentials, or SSM refuses or does not respond.
    """
    return {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in _parameters(path)}


def _parameters(path: str) -> Iterator[dict[str, str]]:
    region = os.environ["AWS_REGION"]
    url = os.environ.get("AWS_ENDPOINT_URL", f"https://ssm.{region}.amazonaws.com")
    credentials = EnvProvider().load()
    if credentials is None:
        raise SecretsError("The environment has no credentials for reading the secrets.")
    signer = SigV4Auth(credentials, "ssm", region)
    connections = urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES)
    query: dict[str, object] = {"Path": path, "WithDecryption": True}
    while True:
        body = json.dumps(query).encode()
        request = AWSRequest("POST", f"{url}/", data=body)
        request.headers["Content-Type"] = "application/x-amz-json-1.1"
        request.headers["X-Amz-Target"] = "AmazonSSM.GetParametersByPath"
        signer.add_auth(request)
        try:
            answer = connections.request("POST", f"{url}/", body=body, headers=dict(request.headers))
        except urllib3.exceptions.HTTPError as exc:
            raise SecretsError(f"SSM did not respond: {type(exc).__name__}.") from exc
        if answer.status != 200:
            raise SecretsError(f"SSM rejected {path}: {_reason(answer)}")
        page = answer.json()
        yield from page["Parameters"]
        if "NextToken" not in page:
            return
        query["NextToken"] = page["NextToken"]


def _reason(answer: urllib3.BaseHTTPResponse) -> str:
    """Return the error's type and message, which tells whether the parameters or the KMS key are denied."""
    try:
        said: dict[str, str] = answer.json()
    except ValueError:
        return f"HTTP {answer.status}."
    sentence = said.get("message") or said.get("Message") or ""
    return f"{said.get('__type', answer.status)}. {sentence}".strip()
