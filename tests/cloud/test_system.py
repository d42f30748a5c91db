"""The whole system on the mock AWS, from `zappa deploy` to `zappa undeploy`."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cloud.browser import Browser
from tests.cloud.stack import Stack, bucket
from tests.conftest import make_photo

pytestmark = [pytest.mark.slow(minutes=5), pytest.mark.system]

WORKER = "imagesite-production-worker"
EMAIL, PASSWORD = "carol@example.org", "Correct horse 1 battery"
NAME = "Strand & Meer +1 写真.jpg"


@pytest.fixture
def stack(build: Path, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, build)
    yield stack
    stack.close()


def until(found: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come about")


def s3_statements(stack: Stack) -> list[dict[str, Any]]:
    policy = json.loads(stack.aws("lambda").get_policy(FunctionName=WORKER)["Policy"])
    return [s for s in policy["Statement"] if s["Principal"].get("Service") == "s3.amazonaws.com"]


def let_time_pass(stack: Stack) -> None:
    with closing(sqlite3.connect(stack.folder / "db.sqlite3", timeout=20)) as database, database:
        for table in ("converter_batch", "converter_upload"):
            database.execute(f"UPDATE {table} SET expires_at = '2000-01-01 00:00:00'")


def tick(stack: Stack) -> None:
    """Send the hourly scheduled event."""
    (rule,) = stack.aws("events").list_rules()["Rules"]
    event = {
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "resources": [rule["Arn"]],
        "detail": {},
    }
    answer = stack.aws("lambda").invoke(FunctionName=WORKER, Payload=json.dumps(event))
    assert "FunctionError" not in answer


def kept(stack: Stack) -> list[str]:
    return [
        found["Key"]
        for use in ("uploads", "results")
        for found in stack.aws("s3").list_objects_v2(Bucket=bucket(use)).get("Contents", [])
    ]


def test_the_system_is_deployed_used_updated_and_removed(stack: Stack) -> None:
    stack.make_what_terraform_makes()
    stack.deploy()
    stack.deployment.consult_doctor()

    # After Zappa's deploy, the event has its prefix and the roles are ours.
    (event,) = stack.aws("s3").get_bucket_notification_configuration(Bucket=bucket("uploads"))[
        "LambdaFunctionConfigurations"
    ]
    assert event["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "uploads/"}]
    for function, role in (("imagesite-production", "imagesite-web"), (WORKER, "imagesite-worker")):
        made = stack.aws("lambda").get_function_configuration(FunctionName=function)
        assert made["Role"].endswith(f":role/{role}")
        assert not set(made["Environment"]["Variables"]) & {"SECRET_KEY", "DATABASE_URL", "ORIGIN_SECRETS"}

    # A user logs in through the user pool and creates a token for a program.
    stack.add_person(EMAIL, PASSWORD)
    carol = Browser(stack.site)
    assert carol.get("/healthz").json == {"status": "ok", "database": "ok", "storage": "ok"}
    assert carol.post("/accounts/login/", {"email": EMAIL, "password": "a guess"}).status == 422
    assert carol.post("/accounts/login/", {"email": EMAIL, "password": PASSWORD}).url.endswith("/convert/")
    page = carol.post("/accounts/tokens/", {"name": "script", "scope": "write", "days": "30"})
    token = page.text.partition('id="secret"')[2].partition(">")[2].partition("<")[0]
    assert token.startswith("img_")

    # The file is posted to the site's own domain and forwarded to S3, which enforces the policy of the form.
    photo = make_photo(200, 100)
    recipe = {"format": "webp", "resize": {"mode": "fit", "width": 50}}
    order = {"files": [{"name": NAME, "size": len(photo)}], "outputs": [recipe]}
    batch = carol.call("POST", "/api/v1/batches", order, token=token).json
    form = batch["uploads"][0]["form"]
    assert form["url"] == "/uploads"
    assert carol.send_file(form, photo, key="uploads/other").status == 403
    assert carol.send_file(form, photo, extra="field").status == 403
    assert carol.send_file(form, photo + b"x").status == 400
    assert carol.send_file(form, photo).status == 201

    # S3 invokes the worker, which converts; the result is downloaded through a signed link, as an attachment.
    job_url = f"/api/v1/jobs/{batch['jobs'][0]['id']}"

    def finished() -> Any:
        job = carol.call("GET", job_url, token=token).json
        assert job["status"] != "failed", job
        return job if job["status"] == "finished" else None

    job = until(finished, "the result")
    result = carol.get(job["result"]["url"])
    link = result.url
    assert link.startswith(f"{stack.aws_url}/{bucket('results')}/results/")
    assert Image.open(io.BytesIO(result.content)).size == (50, 25)
    assert Image.open(io.BytesIO(result.content)).format == "WEBP"
    assert result.headers["Content-Type"] == "image/webp"
    assert result.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''Strand")
    assert carol.get(link.replace("X-Amz-Expires=", "X-Amz-Expires=9")).status == 403
    assert carol.get(link.partition("?")[0]).status == 403

    # The metadata is in DynamoDB and on the image's page.
    item = stack.aws("dynamodb").scan(TableName="imagesite-metadata")["Items"][0]
    assert (item["format"]["S"], item["width"]["N"]) == ("jpeg", "200")
    assert item["outputs"]["L"][0]["M"]["format"]["S"] == "webp"
    assert carol.get(f"/jobs/{job['id']}/").status == 200

    # A repeated event changes nothing and is counted.
    assert carol.send_file(form, photo).status == 201
    log = until(
        lambda: '"Duplicates"' in (said := stack.log_of(WORKER)) and said, "the count of the duplicate"
    )
    assert '"Finished"' in log
    assert finished() == {**job, "result": finished()["result"]}
    assert '"Submitted"' in stack.log_of("imagesite-production")
    for secret in (EMAIL, token, PASSWORD, "Strand", "203.0.113.7"):
        assert secret not in log + stack.log_of("imagesite-production")

    # Convert again: the web function invokes the worker without an S3 event.
    again = {"uploads": [batch["uploads"][0]["id"]], "outputs": [{"format": "png"}]}
    second = carol.call("POST", "/api/v1/batches", again, token=token).json
    job_url = f"/api/v1/jobs/{second['jobs'][0]['id']}"
    assert until(finished, "the second result")["result"]["format"] == "png"

    # Updates accumulate permissions; the doctor prunes them, and events still arrive.
    stack.deployment.deploy_worker()
    assert len(s3_statements(stack)) > 1
    stack.deployment.consult_doctor()
    (statement,) = s3_statements(stack)
    assert "AWS:SourceAccount" in json.dumps(statement)
    batch = carol.call("POST", "/api/v1/batches", order, token=token).json
    assert carol.send_file(batch["uploads"][0]["form"], photo).status == 201
    job_url = f"/api/v1/jobs/{batch['jobs'][0]['id']}"
    until(finished, "the result after the update")

    # After expiry nothing can be downloaded, the sweep deletes it, and uploads with an old form are not kept.
    let_time_pass(stack)
    assert carol.call("GET", f"{job_url}/download", token=token).status == 410
    assert carol.get(f"/jobs/{batch['jobs'][0]['id']}/download/").status == 410
    tick(stack)
    assert kept(stack) == []
    assert carol.send_file(batch["uploads"][0]["form"], photo).status == 201
    until(lambda: kept(stack) == [], "the removal of what nobody awaits")

    # Remove everything.
    stack.deployment.undeploy_functions()
    assert stack.aws("lambda").list_functions()["Functions"] == []
    left = stack.aws("s3").get_bucket_notification_configuration(Bucket=bucket("uploads"))
    assert "LambdaFunctionConfigurations" not in left
