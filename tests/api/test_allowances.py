"""Rate limits of callers and quotas of users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from converter import storage
from converter.api import rates
from converter.events import clock as events_clock
from converter.jobs.run import run
from converter.models import Batch, Job, Quota, RateLimit, Usage
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Clock, Program, problem
from tests.conftest import make_photo

pytestmark = [pytest.mark.long, pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    clock.now = 1_000_000.0
    monkeypatch.setattr(rates, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def _two_a_minute(settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 2


def test_a_caller_over_the_limit_is_told_when_to_retry(program: Program, clock: Clock) -> None:
    assert [program.get("formats").status_code for _ in range(2)] == [200, 200]
    response = program.get("formats")
    problem(response, 429, "too_many_requests")
    assert response["Retry-After"] == "30"
    clock.now += 29
    assert program.get("formats")["Retry-After"] == "1"
    clock.now += 1
    assert program.get("formats").status_code == 200
    assert program.get("formats").status_code == 429


def test_an_idle_minute_restores_the_full_allowance(program: Program, clock: Clock) -> None:
    for silence in (0, 60, 10_000):
        clock.now += silence
        assert [program.get("formats").status_code for _ in range(3)] == [200, 200, 429]


def test_each_token_has_its_own_allowance(program: Program, alice: Any, clock: Clock) -> None:
    while program.get("formats").status_code == 200:
        pass
    other = Program(ApiToken.issue(alice, "other")[1])
    assert other.get("formats").status_code == 200


def test_more_tokens_are_no_more_than_five_times_the_allowance(alice: Any, bob: Any, clock: Clock) -> None:
    tokens = [Program(ApiToken.issue(alice, f"token {n}")[1]) for n in range(6)]
    answers = [token.get("formats").status_code for token in tokens for _ in range(2)]
    assert answers == [200] * 10 + [429] * 2
    assert Program(ApiToken.issue(bob, "his")[1]).get("formats").status_code == 200
    clock.now += 6
    assert tokens[5].get("formats").status_code == 200


def test_a_browser_has_an_allowance_too(alice: Any, clock: Clock) -> None:
    browser = Program()
    browser.client.force_login(alice)
    assert [browser.get("formats").status_code for _ in range(3)] == [200, 200, 429]


def test_a_caller_is_not_refused_for_longer_when_the_clock_is_set_back(
    program: Program, clock: Clock
) -> None:
    assert [program.get("formats").status_code for _ in range(3)] == [200, 200, 429]
    clock.now -= 86_400
    assert [program.get("formats").status_code for _ in range(3)] == [200, 200, 429]


def test_tokens_are_not_guessed_and_those_that_exist_go_on(program: Program, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    answers = [Program(f"img_guess{n}").get("batches") for n in range(51)]
    assert [answer.status_code for answer in answers] == [401] * 50 + [429]
    problem(answers[-1], 429, "too_many_requests")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 10
    assert program.get("batches").status_code == 200


def test_no_limit_is_none(program: Program, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    assert {program.get("formats").status_code for _ in range(5)} == {200}
    assert not RateLimit.objects.exists()


# --- Quotas ------------------------------------------------------------------------------------------------


@pytest.fixture
def unhurried(settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0


def body(files: int, size: int = 10) -> dict[str, Any]:
    return {
        "files": [{"name": f"{n}.jpg", "size": size} for n in range(files)],
        "outputs": [{"format": "webp"}, {"format": "png"}],
    }


@pytest.mark.usefixtures("unhurried")
def test_the_jobs_of_a_user_per_day_are_limited(program: Program, stranger: Program, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 4
    assert program.post("batches", body(1)).status_code == 201
    response = program.post("batches", body(2))
    problem(response, 429, "quota_exceeded")
    assert int(response["Retry-After"]) > 0
    assert program.post("batches", body(1)).status_code == 201
    assert stranger.post("batches", body(2)).status_code == 201


@pytest.mark.usefixtures("unhurried")
def test_deleting_results_does_not_restore_the_daily_quota(program: Program, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 2
    batch = program.post("batches", body(1)).json()
    assert program.delete(f"batches/{batch['id']}").status_code == 204
    problem(program.post("batches", body(1)), 429, "quota_exceeded")


@pytest.mark.usefixtures("unhurried")
def test_a_day_later_the_full_quota_is_available(program: Program, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 2
    program.post("batches", body(1))
    Usage.objects.update(hour=F("hour") - timedelta(days=1))
    assert program.post("batches", body(1)).status_code == 201
    assert Usage.objects.count() == 2
    events_clock.sweep({}, None)
    assert Usage.objects.count() == 2
    Usage.objects.update(hour=F("hour") - timedelta(hours=2))
    events_clock.sweep({}, None)
    assert Usage.objects.count() == 1


@pytest.mark.usefixtures("unhurried")
def test_the_storage_of_a_user_is_limited(program: Program, send: Any, worker: Any, settings: Any) -> None:
    photo = make_photo()
    batch = program.post("batches", body(1, len(photo))).json()
    send(Batch.objects.get(), photo)
    worker.work()
    results = sum(job["result"]["size"] for job in program.get(f"batches/{batch['id']}").json()["jobs"])
    settings.CONVERTER_BYTES_KEPT = len(photo) + results + 10
    problem(program.post("batches", body(1, 11)), 429, "quota_exceeded")
    assert program.post("batches", body(1, 10)).status_code == 201
    problem(program.post("batches", body(1, 1)), 429, "quota_exceeded")
    program.delete(f"batches/{batch['id']}")
    assert program.post("batches", body(1, 1)).status_code == 201


@pytest.mark.usefixtures("unhurried")
def test_results_count_before_they_are_stored(
    program: Program, send: Any, worker: Any, settings: Any
) -> None:
    photo = make_photo()
    settings.CONVERTER_BYTES_KEPT = len(photo) + 200_000
    outputs = [
        {"format": "bmp", "resize": {"width": width, "enlarge": True}} for width in (100, 90, 1000, 80)
    ]
    batch = program.post(
        "batches", {"files": [{"name": "a.jpg", "size": len(photo)}], "outputs": outputs}
    ).json()
    send(Batch.objects.get(), photo)
    worker.work()
    jobs = program.get(f"batches/{batch['id']}").json()["jobs"]
    assert [job["status"] for job in jobs] == ["finished", "finished", "failed", "finished"]
    assert jobs[2]["error"]["code"] == "quota_exceeded"
    stored = [Job.objects.get(pk=job["id"]).result_key for job in jobs]
    with pytest.raises(FileNotFoundError):
        storage.results.stat(stored[2])
    # Once there is space, it is converted.
    settings.CONVERTER_BYTES_KEPT = 0
    assert program.post(f"jobs/{jobs[2]['id']}/retry").status_code == 200
    run(Job.objects.get(pk=jobs[2]["id"]).upload_id)
    assert program.get(f"jobs/{jobs[2]['id']}").json()["status"] == "finished"


@pytest.mark.usefixtures("unhurried")
def test_staff_may_allow_a_user_more_or_less(program: Program, alice: Any, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 2
    settings.CONVERTER_BYTES_KEPT = 100
    quota = Quota.objects.create(owner=alice, jobs_a_day=0, bytes_kept=50)
    assert program.post("batches", body(2)).status_code == 201
    problem(program.post("batches", body(1, 31)), 429, "quota_exceeded")
    quota.jobs_a_day = None
    quota.save()
    problem(program.post("batches", body(1)), 429, "quota_exceeded")
