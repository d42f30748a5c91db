from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from converter import jobs
from converter.jobs import shares
from converter.models import Batch, Job, Share
from tests.conftest import streamed
from tests.web.conftest import text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def share(batch: Batch, job: Job) -> Share:
    """A link to the first of two results."""
    return jobs.share(batch, [job])


@pytest.mark.long
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


def test_what_is_shown_is_the_result_and_never_the_original(client: Client, share: Share, job: Job) -> None:
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


def test_sizes_are_said_as_everywhere_else(page: Client, batch: Batch, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(result_size=127_700)
    assert "photo 0.webp (128\u00a0KB)" in text(page.get(f"/batches/{batch.pk}/share/"))


@pytest.mark.long
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


def test_a_stranger_neither_shares_nor_ends(
    strangers_page: Client, batch: Batch, job: Job, share: Share
) -> None:
    assert strangers_page.get(f"/batches/{batch.pk}/share/").status_code == 404
    assert strangers_page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk]}).status_code == 404
    assert strangers_page.post(f"/shares/{share.pk}/revoke/").status_code == 404
    assert Share.objects.get().revoked_at is None


def test_a_result_of_somebody_else_cannot_be_chosen(
    strangers_page: Client, bob: Any, batch: Batch, job: Job
) -> None:
    Batch.objects.create(owner=bob, outputs=[], expires_at=batch.expires_at)
    own = Batch.objects.get(owner=bob)
    response = strangers_page.post(f"/batches/{own.pk}/share/", {"jobs": [job.pk], "hours": ""})
    assert response.status_code == 422
    with pytest.raises(jobs.Conflict):
        jobs.share(own, [job])
    assert not Share.objects.exists()


def test_choosing_nothing_is_said(page: Client, batch: Batch) -> None:
    response = page.post(f"/batches/{batch.pk}/share/", {"hours": ""})
    assert response.status_code == 422
    assert "This field is required." in text(response)


@pytest.mark.parametrize(("hours", "most"), [(1, timedelta(hours=1)), (10_000, timedelta(days=400))])
def test_a_link_never_outlives_its_batch(batch: Batch, job: Job, hours: int, most: timedelta) -> None:
    share = jobs.share(batch, [job], timedelta(hours=hours))
    assert share.expires_at <= batch.expires_at
    assert share.expires_at - share.created_at <= most


def test_what_has_expired_is_not_shared(page: Client, batch: Batch, job: Job) -> None:
    jobs.expire(batch)
    batch.refresh_from_db()
    with pytest.raises(jobs.Gone):
        jobs.share(batch, [job])
    assert "Create link" not in text(page.get(f"/batches/{batch.pk}/"))


def test_links_to_one_batch_are_bounded(
    page: Client, batch: Batch, job: Job, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MOST_OPEN", 1)
    response = page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk], "hours": "1"})
    assert response.status_code == 409
    jobs.revoke_share(share)
    assert page.post(f"/batches/{batch.pk}/share/", {"jobs": [job.pk], "hours": "1"}).status_code == 302


def test_a_deleted_batch_takes_its_links_along(client: Client, batch: Batch, share: Share) -> None:
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


def test_the_links_of_a_suspended_user_lead_nowhere(
    client: Client, share: Share, job: Job, alice: Any
) -> None:
    alice.is_active = False
    alice.save()
    assert client.get(f"/s/{share.token}/").status_code == 404
    assert client.get(f"/s/{share.token}/{job.pk}/").status_code == 404


@pytest.mark.long
def test_links_are_not_guessed_and_those_that_exist_open_meanwhile(
    client: Client, share: Share, job: Job
) -> None:
    answers = [client.get(f"/s/{n:032}/").status_code for n in range(51)]
    assert answers == [404] * 50 + [429]
    assert client.get(f"/s/{share.token}/").status_code == 200
    assert client.get(f"/s/{share.token}/{job.pk}/").status_code == 302
