"""Expired files are never served, even before the sweep has deleted them, on both twins of the store."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from moto import mock_aws

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs.run import run
from converter.jobs.submit import submit
from converter.models import Batch, Job, Share, Upload
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Program
from tests.fakes import RecordingDispatch

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

LINKS = ("/results/", "X-Amz-Signature")


@pytest.fixture(params=["folder", "s3"], autouse=True)
def twin(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reverse("local:upload")  # resolves the URLs once, for the twin in use at that moment
    if request.param == "folder":
        yield
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        for name in ("uploads", "results"):
            where: Any = {"LocationConstraint": "eu-west-1"}
            client.create_bucket(Bucket=f"shop-{name}", CreateBucketConfiguration=where)
        s3 = "converter.storage.s3.S3Bucket"
        settings.STORAGES = {
            **settings.STORAGES,
            **{
                name: {"BACKEND": s3, "OPTIONS": {"bucket_name": f"shop-{name}", "region_name": "eu-west-1"}}
                for name in ("uploads", "results")
            },
        }
        yield


@dataclass
class Made:
    """A finished batch of one job, with everything that is made from it on request."""

    batch: Batch
    job: Job
    share: Share
    page: Client
    api: Program
    worker: RecordingDispatch

    @property
    def downloads(self) -> list[Any]:
        batch, job, token = self.batch.pk, self.job.pk, self.share.token
        return [
            self.page.get(f"/jobs/{job}/download/"),
            self.page.get(f"/batches/{batch}/zip/"),
            Client().get(f"/s/{token}/{job}/"),
            self.api.get(f"jobs/{job}/download"),
            self.api.get(f"batches/{batch}/zip"),
        ]

    @property
    def pages(self) -> list[str]:
        batch, job = self.batch.pk, self.job.pk
        paths = [f"/jobs/{job}/", f"/jobs/{job}/compare/", f"/batches/{batch}/", "/batches/"]
        return [self.page.get(path).content.decode() for path in paths]

    def let_time_pass(self) -> None:
        for rows in (Batch.objects, Upload.objects, Share.objects):
            rows.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.batch, self.job = Batch.objects.get(), Job.objects.select_related("upload", "batch").get()


@pytest.fixture
def made(alice: Any, photo: bytes, worker: RecordingDispatch) -> Made:
    batch = submit(
        alice, files=[jobs.NewFile("a.jpg", len(photo))], outputs=[Recipe.parse({"format": "webp"})]
    )
    upload = Upload.objects.get()
    jobs.receive(upload.key, storage.uploads.put(upload.key, io.BytesIO(photo), filename="", content_type=""))
    run(upload.pk)
    job = Job.objects.select_related("upload", "batch").get()
    jobs.preview_urls(job)
    jobs.zip_url(batch)
    worker.work()
    page = Client()
    page.force_login(alice)
    return Made(batch, job, jobs.share(batch, [job]), page, Program(ApiToken.issue(alice, "t")[1]), worker)


def test_a_result_is_served_before_it_expires(made: Made) -> None:
    assert [answer.status_code for answer in made.downloads] == [302] * 5
    for shown in made.pages:
        assert any(link in shown for link in LINKS)


def test_an_expired_result_is_not_served(made: Made) -> None:
    made.let_time_pass()
    assert [answer.status_code for answer in made.downloads] == [410] * 5


def test_no_page_shows_an_expired_image(made: Made) -> None:
    made.let_time_pass()
    for shown in made.pages:
        assert not any(link in shown for link in LINKS)
        assert "download" not in shown.lower()
    assert "Deleted on" in made.pages[0]


def test_the_api_reports_that_it_has_expired(made: Made) -> None:
    made.let_time_pass()
    job = made.api.get(f"jobs/{made.job.pk}").json()
    assert (job["status"], job["result"]) == ("expired", None)
    batch = made.api.get(f"batches/{made.batch.pk}").json()
    assert (batch["status"], batch["jobs"]) == ("expired", [job])
    assert made.api.get("jobs", status="expired").json()["items"] == [job]
    assert made.api.get("jobs", status="finished").json()["items"] == []
    assert made.api.get(f"uploads/{job['upload']}/metadata").status_code == 410


def test_an_expired_image_or_result_cannot_be_converted(made: Made, alice: Any) -> None:
    made.let_time_pass()
    with pytest.raises(jobs.Gone):
        jobs.use_result(made.job)
    with pytest.raises(jobs.Gone):
        jobs.share(made.batch, [made.job])
    with pytest.raises(jobs.InvalidSubmission):
        submit(alice, uploads=[made.job.upload], outputs=[Recipe.parse({"format": "png"})])
    Batch.objects.update(zip_key="")
    jobs.make_zip(made.batch.pk)
    assert Batch.objects.get().zip_key == ""


def test_a_link_expires_with_its_results(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    bucket = type(storage.results)
    real = bucket.download_url

    def note(self: Any, key: str, **options: Any) -> str:
        asked.append(options["until"])
        return real(self, key, **options)

    monkeypatch.setattr(bucket, "download_url", note)
    made.downloads, made.pages  # noqa: B018
    assert len(asked) >= 9
    assert set(asked) == {made.batch.expires_at}
