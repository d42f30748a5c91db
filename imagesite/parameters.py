"""Secrets from AWS Systems Manager: one parameter a setting, under the path of the function that reads them.

Every cold start waits for them, and botocore takes longer to make its client than the answer does; so only its
signature is used.
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
# 400 among them: that is how SSM says that it is throttled, as it is when many functions start at once.
RETRIES = urllib3.Retry(
    3,
    backoff_factor=0.3,
    backoff_jitter=0.3,
    status_forcelist=(400, 429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)


class SecretsFault(Exception):
    """The secrets could not be read; without them nothing may start."""


def read(path: str) -> dict[str, str]:
    """Return the values below `path` by the last part of their names.

    They are handed to the settings and not put into the environment, which every child process inherits.
    """
    return {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in _parameters(path)}


def _parameters(path: str) -> Iterator[dict[str, str]]:
    region = os.environ["AWS_REGION"]
    url = os.environ.get("AWS_ENDPOINT_URL", f"https://ssm.{region}.amazonaws.com")
    credentials = EnvProvider().load()
    if credentials is None:
        raise SecretsFault("There are no credentials in the environment to read the secrets with.")
    signer = SigV4Auth(credentials, "ssm", region)
    connections = urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES)
    question: dict[str, object] = {"Path": path, "WithDecryption": True}
    while True:
        body = json.dumps(question).encode()
        request = AWSRequest("POST", f"{url}/", data=body)
        request.headers["Content-Type"] = "application/x-amz-json-1.1"
        request.headers["X-Amz-Target"] = "AmazonSSM.GetParametersByPath"
        signer.add_auth(request)
        try:
            answer = connections.request("POST", f"{url}/", body=body, headers=dict(request.headers))
        except urllib3.exceptions.HTTPError as exc:
            raise SecretsFault(f"SSM did not answer: {type(exc).__name__}.") from exc
        if answer.status != 200:
            raise SecretsFault(f"SSM refused {path}: {answer.json().get('__type', answer.status)}.")
        page = answer.json()
        yield from page["Parameters"]
        if "NextToken" not in page:
            return
        question["NextToken"] = page["NextToken"]
