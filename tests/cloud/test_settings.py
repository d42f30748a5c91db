"""The site's settings when buckets are configured."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.test import RequestFactory
from moto import mock_aws
from storages.backends.s3 import S3StaticStorage

from imagesite import ssm
from imagesite.middleware import OriginMiddleware
from imagesite.static import StaticFiles
from infra.package import ROOT

pytestmark = pytest.mark.system


@pytest.fixture
def environment() -> dict[str, str]:
    stage = json.loads((ROOT / "zappa_settings.json").read_text())["production"]
    variables: dict[str, str] = dict(stage["aws_environment_variables"])
    del variables["SECRETS_PATH"]
    return {
        **variables,
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "CLOUDFRONT_KEY_ID": "",
        "DATABASE_URL": "postgres://user:word@db.example.com/site",
        "ORIGIN_SECRETS": "secret",
        "SECRET_KEY": "0123456789" * 6,
    }


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_the_site_in_the_cloud_passes_the_checks_of_django(environment: dict[str, str]) -> None:
    done = run(environment, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "DATABASE_URL",
        "RESULTS_BUCKET",
        "STATIC_BUCKET",
        "METADATA_TABLE",
        "CONFIGURATION_TABLE",
        "WORKER_FUNCTION",
        "AWS_REGION",
    ],
)
def test_missing_settings_are_named_and_nothing_starts(environment: dict[str, str], name: str) -> None:
    del environment[name]
    done = run(environment, "-c", "import imagesite.settings")
    assert done.returncode != 0
    assert f"Set the {name} environment variable" in done.stderr


def test_a_link_key_without_its_private_half_is_reported(environment: dict[str, str]) -> None:
    environment |= {"CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F"}
    done = run(environment, "-c", "import imagesite.settings")
    assert "Set the CLOUDFRONT_PRIVATE_KEY environment variable" in done.stderr


SHOW = "import imagesite.settings as s; print(s.{})"


def test_a_paused_database_has_time_to_resume(environment: dict[str, str]) -> None:
    shown = run(environment, "-c", SHOW.format("DATABASES['default']")).stdout
    assert "'connect_timeout': 20" in shown


def test_a_connection_is_kept_as_long_as_its_address_says(environment: dict[str, str]) -> None:
    environment["DATABASE_URL"] += "?sslmode=require&conn_max_age=60"
    shown = run(environment, "-c", SHOW.format("DATABASES['default']")).stdout
    assert "'CONN_MAX_AGE': 60" in shown
    assert "'sslmode': 'require'" in shown
    assert "'CONN_HEALTH_CHECKS': True" in shown


def test_pages_are_answered_under_one_name_only(environment: dict[str, str]) -> None:
    shown = run(
        environment, "-c", SHOW.format("ALLOWED_HOSTS, s.USE_X_FORWARDED_HOST, repr(s.FORCE_SCRIPT_NAME)")
    )
    assert shown.stdout.strip() == "['images.example.com'] True ''"


def test_users_log_in_only_through_the_pool(environment: dict[str, str]) -> None:
    shown = run(environment, "-c", SHOW.format("AUTHENTICATION_BACKENDS"))
    assert shown.stdout.strip() == "['imagesite.accounts.cognito.backend.CognitoBackend']"


def test_without_a_secret_every_request_is_refused(settings: Any) -> None:
    settings.ORIGIN_SECRETS = []
    guard = OriginMiddleware(lambda request: pytest.fail("let in"))
    for header in ({}, {"X-Origin-Verify": ""}, {"X-Origin-Verify": "None"}):
        assert guard(RequestFactory().get("/", headers=header)).status_code == 403


# --- Secrets in SSM -----------------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


class FakeSSM(BaseHTTPRequestHandler):
    """A stand-in for SSM with scripted answers, such as throttling; records the requests."""

    answers: ClassVar[list[tuple[int, dict[str, Any] | str]]] = []
    asked: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        self.asked.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        status, answer = self.answers.pop(0)
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def fake_ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeSSM]]:
    monkeypatch.setattr(ssm, "RETRIES", ssm.RETRIES.new(backoff_factor=0, backoff_jitter=0))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    FakeSSM.answers, FakeSSM.asked = [], []
    with HTTPServer(("127.0.0.1", 0), FakeSSM) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield FakeSSM
        server.shutdown()


def page(*names: str, **more: str) -> tuple[int, dict[str, Any]]:
    return 200, {"Parameters": [{"Name": f"/site/{n}", "Value": n.lower()} for n in names], **more}


THROTTLED = (400, {"__type": "ThrottlingException"})


def test_a_function_reads_all_secrets_below_its_own_path(fake_ssm: type[FakeSSM]) -> None:
    fake_ssm.answers = [page("A", "B", NextToken="more"), page("C")]
    assert ssm.read("/site") == {"A": "a", "B": "b", "C": "c"}
    first, second = (json.loads(body) for _, body in fake_ssm.asked)
    assert first == {"Path": "/site", "WithDecryption": True}
    assert second == {**first, "NextToken": "more"}


def test_the_request_to_ssm_is_signed(fake_ssm: type[FakeSSM]) -> None:
    """Compute the signature again from the raw request, as AWS describes version 4."""
    fake_ssm.answers = [page("A")]
    ssm.read("/site")
    ((sent, body),) = fake_ssm.asked
    headers = {name.lower(): value for name, value in sent.items()}
    scope, names, signature = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=testing/(\S+), SignedHeaders=(\S+), Signature=(\w+)",
        headers["authorization"],
    ).groups()  # type: ignore[union-attr]
    assert {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"} <= set(names.split(";"))
    lines = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4testing"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    assert signature == hmac.digest(key, text.encode(), hashlib.sha256).hex()


def test_many_functions_that_start_at_once_wait_for_their_secrets(fake_ssm: type[FakeSSM]) -> None:
    fake_ssm.answers = [THROTTLED, (503, {}), page("A")]
    assert ssm.read("/site") == {"A": "a"}


def test_secrets_that_cannot_be_read_say_why(fake_ssm: type[FakeSSM]) -> None:
    fake_ssm.answers = [(400, {"__type": "AccessDeniedException"})] * 4
    with pytest.raises(ssm.SecretsError, match="SSM rejected /site: AccessDeniedException"):
        ssm.read("/site")


def test_a_kms_key_that_is_closed_is_named(fake_ssm: type[FakeSSM]) -> None:
    sentence = "The ciphertext refers to a customer master key that you are not allowed to access."
    fake_ssm.answers = [(400, {"__type": "AccessDeniedException", "message": sentence})] * 4
    with pytest.raises(ssm.SecretsError, match=f"SSM rejected /site: AccessDeniedException. {sentence}"):
        ssm.read("/site")


def test_a_response_not_from_ssm_is_reported_with_its_status(fake_ssm: type[FakeSSM]) -> None:
    fake_ssm.answers = [(502, "<html>Bad gateway</html>")] * 4
    with pytest.raises(ssm.SecretsError, match=r"SSM rejected /site: HTTP 502\."):
        ssm.read("/site")


def test_an_unavailable_ssm_is_reported(fake_ssm: type[FakeSSM], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ssm.SecretsError, match="SSM did not respond"):
        ssm.read("/site")


def test_secrets_do_not_reach_child_processes(aws: None, environment: dict[str, str]) -> None:
    code = (
        "import os, imagesite.ssm as p; p.read = lambda path: {'SECRET_KEY': 'from SSM' * 8}\n"
        "import imagesite.settings as s; print(s.SECRET_KEY, 'SECRET_KEY' in os.environ)"
    )
    del environment["SECRET_KEY"]
    assert run(environment | {"SECRETS_PATH": "/x"}, "-c", code).stdout.strip() == "from SSM" * 8 + " False"


def test_static_files_are_published_under_names_with_digests(aws: None, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="shop-static", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mark.svg").write_text("<svg/>")
    (tmp_path / "sources" / "site.css").write_text("a { background: url('mark.svg') }")
    sources = FileSystemStorage(location=tmp_path / "sources")
    options = {"bucket_name": "shop-static", "region_name": "eu-west-1", "manifest_folder": str(tmp_path)}
    files = StaticFiles(**options)
    for name in ("mark.svg", "site.css"):
        files.save(name, ContentFile((tmp_path / "sources" / name).read_bytes()))
    done = list(files.post_process({name: (sources, name) for name in ("mark.svg", "site.css")}))
    assert not [error for _, _, error in done if isinstance(error, Exception)]

    url = StaticFiles(**options).url("site.css")
    assert url.startswith("/static/site.")
    published = s3.get_object(Bucket="shop-static", Key=url.lstrip("/"))
    assert b"mark." in published["Body"].read()
    assert published["ContentType"] == "text/css"
    assert "immutable" in published["CacheControl"]
    assert (tmp_path / "staticfiles.json").exists()


def test_static_files_are_sent_once_however_often_they_refer_to_each_other(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("s3").create_bucket(
        Bucket="shop-static", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    sent: list[str] = []
    save = S3StaticStorage.save

    def noted(self: S3StaticStorage, name: str, content: Any) -> Any:
        sent.append(name)
        return save(self, name, content)

    monkeypatch.setattr(S3StaticStorage, "save", noted)
    scripts = {f"converter/js/{n}.js": f'import "./{n + 1}.js";' if n < 5 else "" for n in range(6)}
    options = {"bucket_name": "shop-static", "region_name": "eu-west-1", "manifest_folder": str(tmp_path)}
    counts: list[int] = []
    for last in ("", "", "let changed;"):
        sources = FileSystemStorage(location=tmp_path / f"sources{len(counts)}")
        files = StaticFiles(**options)
        for name, text in {**scripts, "converter/js/5.js": last}.items():
            for storage in (sources, files):
                storage.save(name, ContentFile(text.encode()))
        list(files.post_process({name: (sources, name) for name in scripts}))
        counts.append(len(sent))
        sent.clear()
    # The contents of names without a digest may change; those of names with one never do.
    assert counts == [12, 6, 12]
    chain = StaticFiles(**options).url("converter/js/0.js").lstrip("/")
    published = boto3.client("s3").get_object(Bucket="shop-static", Key=chain)["Body"].read()
    assert re.match(rb'import ?"\./1\.[0-9a-f]{12}\.js";', published)
