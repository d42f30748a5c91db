from __future__ import annotations

import io
import re
import time
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from converter import engine, jobs, storage
from converter.jobs import shares, sweep
from converter.models import Batch, Job, Share
from tests.conftest import streamed, text
from tests.fakes import RecordingDispatch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


@pytest.fixture
def share(batch: Batch, job: Job) -> Share:
    """Return a link to the first of two results."""
    return jobs.share(batch, [job])


def test_chosen_results_are_shared_by_a_link(page: Client, client: Client, batch: Batch, job: Job) -> None:
    form = text(page.get(f"/batches/{batch.pk}/share/"))
    assert len(re.findall(r'name="jobs"[^>]*checked', form)) == 2
    response = page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk], "hours": ""}, follow=True)
    found = re.search(r'href="(/s/[\w-]{32}/)"', text(response))
    assert found
    shown = text(client.get(found[1]))
    assert "1 shared image" in shown
    assert "photo 0.webp" in shown
    assert "photo 0.tif" not in shown


def test_a_shared_result_is_downloaded_without_an_account(client: Client, share: Share, job: Job) -> None:
    response = client.get(f"/s/{share.token}/{job.pk}/", follow=True)
    assert response.status_code == 200
    content = streamed(response)
    assert (len(content), response["Content-Type"]) == (job.result_size, "image/webp")


def test_a_share_shows_the_result_and_never_the_original(client: Client, share: Share, job: Job) -> None:
    sources = re.findall(r'<img src="([^"]+)"', text(client.get(f"/s/{share.token}/")))
    assert len(sources) == 1
    response = client.get(sources[0])
    content = streamed(response)
    assert (len(content), response["Content-Type"]) == (job.result_size, "image/webp")


def test_only_the_chosen_results_are_downloaded(client: Client, batch: Batch, share: Share, job: Job) -> None:
    other = batch.jobs.exclude(pk=job.pk).get()
    assert client.get(f"/s/{share.token}/{other.pk}/").status_code == 404


@pytest.mark.parametrize("token", ["x", "A" * 32, "A" * 500])
def test_a_link_never_made_is_404(client: Client, share: Share, job: Job, token: str) -> None:
    assert client.get(f"/s/{token}/").status_code == 404
    assert client.get(f"/s/{token}/{job.pk}/").status_code == 404


@pytest.mark.parametrize("end", ["expired", "revoked", "batch expired"])
def test_a_link_that_has_ended_is_410(client: Client, batch: Batch, share: Share, job: Job, end: str) -> None:
    if end == "expired":
        Share.objects.update(expires_at=timezone.now())
    elif end == "revoked":
        jobs.revoke_share(share)
    else:
        jobs.expire(batch)
    for path in (f"/s/{share.token}/", f"/s/{share.token}/{job.pk}/"):
        response = client.get(path)
        assert response.status_code == 410
        assert response["X-Robots-Tag"] == "noindex"
    assert "This link no longer works" in text(client.get(f"/s/{share.token}/"))


def test_it_is_kept_out_of_search_engines_and_caches(client: Client, share: Share, job: Job) -> None:
    shown = client.get(f"/s/{share.token}/")
    assert '<meta name="robots" content="noindex">' in text(shown)
    for response in (shown, client.get(f"/s/{share.token}/{job.pk}/")):
        assert response["X-Robots-Tag"] == "noindex"
        assert "no-store" in response["Cache-Control"]


def test_sizes_are_formatted_as_everywhere_else(page: Client, batch: Batch, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(result_size=127_700)
    assert "photo 0.webp (128\u00a0KB)" in text(page.get(f"/batches/{batch.pk}/share/"))


def test_openings_by_others_are_counted(page: Client, client: Client, share: Share) -> None:
    page.get(f"/s/{share.token}/")
    client.head(f"/s/{share.token}/")
    assert Share.objects.get().opened == 0
    client.get(f"/s/{share.token}/")
    client.get(f"/s/{share.token}/")
    assert Share.objects.get().opened == 2
    assert "opened 2 times" in text(page.get(f"/batches/{share.batch_id}/"))


def test_a_link_ends_when_its_owner_says_so(page: Client, client: Client, share: Share) -> None:
    response = page.post(f"/shares/{share.pk}/revoke/", follow=True)
    assert share.token not in text(response)
    assert client.get(f"/s/{share.token}/").status_code == 410


def test_a_stranger_can_neither_share_nor_revoke(
    strangers_page: Client, batch: Batch, job: Job, share: Share
) -> None:
    assert strangers_page.get(f"/batches/{batch.pk}/share/").status_code == 404
    assert strangers_page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk]}).status_code == 404
    assert strangers_page.post(f"/shares/{share.pk}/revoke/").status_code == 404
    assert Share.objects.get().revoked_at is None


def test_results_of_others_cannot_be_chosen(strangers_page: Client, bob: Any, batch: Batch, job: Job) -> None:
    Batch.objects.create(owner=bob, outputs=[], expires_at=batch.expires_at)
    own = Batch.objects.get(owner=bob)
    response = strangers_page.post(f"/batches/{own.pk}/share/", {"jobs": [job.pk], "hours": ""})
    assert response.status_code == 422
    with pytest.raises(jobs.Conflict):
        jobs.share(own, [job])
    assert not Share.objects.exists()


def test_choosing_nothing_is_reported(page: Client, batch: Batch) -> None:
    response = page.post(f"/batches/{batch.pk}/share/", {"hours": ""})
    assert response.status_code == 422
    assert "This field is required." in text(response)


@pytest.mark.parametrize(("hours", "most"), [(1, timedelta(hours=1)), (10_000, timedelta(days=400))])
def test_a_link_never_outlives_its_batch(batch: Batch, job: Job, hours: int, most: timedelta) -> None:
    share = jobs.share(batch, [job], timedelta(hours=hours))
    assert share.expires_at <= batch.expires_at
    assert share.expires_at - share.created_at <= most


def test_expired_results_are_not_shared(page: Client, batch: Batch, job: Job) -> None:
    jobs.expire(batch)
    batch.refresh_from_db()
    with pytest.raises(jobs.Gone):
        jobs.share(batch, [job])
    assert "Create link" not in text(page.get(f"/batches/{batch.pk}/"))


def test_the_links_of_one_batch_are_limited(
    page: Client, batch: Batch, job: Job, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MOST_OPEN", 1)
    response = page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk], "hours": "1"})
    assert response.status_code == 409
    jobs.revoke_share(share)
    assert page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk], "hours": "1"}).status_code == 302


def test_the_links_of_a_deleted_batch_are_deleted(client: Client, batch: Batch, share: Share) -> None:
    jobs.remove(batch)
    assert client.get(f"/s/{share.token}/").status_code == 404


def test_a_file_of_a_share_opens_for_two_minutes_at_most_once_it_is_revoked(
    client: Client, share: Share, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = client.get(f"/s/{share.token}/{job.pk}/").headers["Location"]
    jobs.revoke_share(share)
    assert client.get(f"/s/{share.token}/{job.pk}/").status_code == 410
    now = time.time()
    monkeypatch.setattr("converter.storage.signed.time.time", lambda: now + 121)
    assert client.get(file).status_code == 410


def test_the_links_of_a_suspended_user_do_not_work(
    client: Client, share: Share, job: Job, alice: Any
) -> None:
    alice.is_active = False
    alice.save()
    assert client.get(f"/s/{share.token}/").status_code == 404
    assert client.get(f"/s/{share.token}/{job.pk}/").status_code == 404


def test_links_are_not_guessed_and_those_that_exist_open_meanwhile(
    client: Client, share: Share, job: Job
) -> None:
    answers = [client.get(f"/s/{n:032}/").status_code for n in range(51)]
    assert answers == [404] * 50 + [429]
    assert client.get(f"/s/{share.token}/").status_code == 200
    assert client.get(f"/s/{share.token}/{job.pk}/").status_code == 302


# --- The ZIP of a share ------------------------------------------------------------------------------------


@pytest.fixture
def whole(batch: Batch) -> Share:
    """Return a link to both results."""
    return jobs.share(batch, batch.jobs.select_related("upload"))


def unzipped(client: Client, share: Share, worker: RecordingDispatch) -> dict[str, bytes]:
    """Return the files in the ZIP of a share, making it if necessary."""
    if client.get(f"/s/{share.token}/zip/").status_code == 202:
        worker.work()
    response = client.get(f"/s/{share.token}/zip/", follow=True)
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(streamed(response))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_contains_only_the_shared_results(
    client: Client, batch: Batch, share: Share, whole: Share, worker: RecordingDispatch
) -> None:
    files = unzipped(client, whole, worker)
    assert list(files) == ["photo 0.webp", "photo 0.tif"]
    results = {job.result_name: job for job in batch.jobs.select_related("upload")}
    for name, content in files.items():
        assert content == storage.results.read(results[name].result_key)[0]
    assert list(unzipped(client, share, worker)) == ["photo 0.webp"]


def test_a_zip_reveals_neither_folders_nor_the_names_of_originals(
    client: Client, alice: Any, send: Any, worker: RecordingDispatch, photo: bytes
) -> None:
    files = [jobs.NewFile(name, len(photo)) for name in ("Client A/secret.jpg", "Client B/secret.jpg")]
    outputs = [engine.Recipe.parse({"format": "webp"})]
    batch = jobs.submit.submit(alice, files=files, outputs=outputs, name_pattern="{number}")
    send(batch, photo, photo)
    worker.work()
    made = jobs.share(batch, batch.jobs.select_related("upload"))
    assert list(unzipped(client, made, worker)) == ["001.webp", "002.webp"]


def test_a_zip_is_made_once_for_all_visitors(client: Client, whole: Share, worker: RecordingDispatch) -> None:
    waiting = client.get(f"/s/{whole.token}/zip/")
    assert (waiting.status_code, waiting["Retry-After"]) == (202, "2")
    assert "Preparing your ZIP" in text(waiting)
    assert Client().get(f"/s/{whole.token}/zip/").status_code == 202
    assert [target for target, _ in worker.asked] == ["converter.events.dispatched.zip_share"]
    worker.work()
    for visitor in (client, Client()):
        assert visitor.get(f"/s/{whole.token}/zip/").status_code == 302
    assert worker.asked == []


@pytest.mark.parametrize("end", ["expired", "revoked", "batch expired", "batch removed"])
def test_a_zip_ends_with_its_link(
    client: Client, batch: Batch, whole: Share, worker: RecordingDispatch, folders: Any, end: str
) -> None:
    unzipped(client, whole, worker)
    file = client.get(f"/s/{whole.token}/zip/").headers["Location"]
    if end == "expired":
        Share.objects.update(expires_at=timezone.now())
        assert sweep.sweep()["shared"] == 1
    elif end == "revoked":
        jobs.revoke_share(whole)
    elif end == "batch expired":
        jobs.expire(batch)
    else:
        jobs.remove(batch)
    assert client.get(f"/s/{whole.token}/zip/").status_code == (404 if end == "batch removed" else 410)
    assert client.get(file).status_code in (404, 410)
    assert not list(folders.rglob("*.zip"))
    assert not Share.objects.exclude(zip_key="").exists()


def test_a_zip_that_is_made_when_its_link_ends_is_not_kept(
    client: Client, whole: Share, worker: RecordingDispatch, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get(f"/s/{whole.token}/zip/")
    put_parts = storage.results.put_parts

    def put_and_revoke(*args: Any, **options: Any) -> Any:
        stored = put_parts(*args, **options)
        jobs.revoke_share(whole)
        return stored

    monkeypatch.setattr(storage.results, "put_parts", put_and_revoke)
    worker.work()
    assert not list(folders.rglob("*.zip"))
    client.get(f"/s/{whole.token}/zip/")
    assert worker.asked == []


def test_the_sweep_deletes_the_zip_of_a_revoked_link_if_the_storage_was_unavailable(
    client: Client, whole: Share, worker: RecordingDispatch, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unzipped(client, whole, worker)

    def fail(*args: Any) -> None:
        raise storage.StorageFault("S3 says 503")

    with monkeypatch.context() as patch:
        patch.setattr(storage.results, "remove", fail)
        assert jobs.revoke_share(whole)
    assert list(folders.rglob("*.zip"))
    sweep.sweep()
    assert not list(folders.rglob("*.zip"))


def test_a_zip_that_cannot_be_made_says_why(
    client: Client, whole: Share, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise storage.NoRoom

    monkeypatch.setattr(storage.results, "put_parts", fail)
    client.get(f"/s/{whole.token}/zip/")
    worker.work()
    refused = client.get(f"/s/{whole.token}/zip/")
    assert refused.status_code == 507
    assert "The storage is full" in text(refused)
    polled = client.get(f"/s/{whole.token}/zip/", headers={"HX-Request": "true"})
    assert "Try again" in text(polled)


def test_a_missing_result_is_left_out_of_the_zip(
    client: Client, batch: Batch, whole: Share, worker: RecordingDispatch, job: Job
) -> None:
    storage.results.remove([job.result_key])
    client.get(f"/s/{whole.token}/zip/")
    worker.work()
    assert list(unzipped(client, whole, worker)) == ["photo 0.tif"]
    storage.results.remove([other.result_key for other in batch.jobs.select_related("upload")])
    Share.objects.update(zip_key="")
    client.get(f"/s/{whole.token}/zip/")
    worker.work()
    assert client.get(f"/s/{whole.token}/zip/").status_code == 410


def test_a_single_shared_image_needs_no_zip(client: Client, share: Share, whole: Share) -> None:
    assert "/zip/" not in text(client.get(f"/s/{share.token}/"))
    assert f'href="/s/{whole.token}/zip/"' in text(client.get(f"/s/{whole.token}/"))


def test_a_zip_does_not_count_as_an_opening_and_is_not_indexed(
    client: Client, whole: Share, worker: RecordingDispatch
) -> None:
    for _ in range(2):
        response = client.get(f"/s/{whole.token}/zip/")
        assert response["X-Robots-Tag"] == "noindex"
        assert "no-store" in response["Cache-Control"]
        worker.work()
    assert Share.objects.get().opened == 0
