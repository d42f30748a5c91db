"""The history: its pages, search and deletion."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from converter import engine, jobs
from converter.models import Batch
from converter.web import filters
from tests.conftest import make_photo, text
from tests.fakes import RecordingDispatch
from tests.web.conftest import submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_empty_history_leads_to_the_converter(page: Client) -> None:
    assert "Convert your first images" in text(page.get("/batches/"))


def test_the_history_counts_images_not_results(page: Client, alice: Any, photo: bytes, batch: Batch) -> None:
    submit(alice, *[photo] * 3, recipes=[{"format": "webp"}, {"format": "png"}])
    assert re.findall(r"and \d+ more \w+", text(page.get("/batches/"))) == ["and 2 more images"]


def test_the_history_says_what_each_entry_was(page: Client, batch: Batch) -> None:
    shown = text(page.get("/batches/"))
    assert "photo 0.jpg" in shown
    assert "JPEG → <strong>WebP, TIFF</strong>" in shown
    assert "expires in" in shown
    assert 'alt="" width="72"' in shown


def test_the_history_offers_several_results_as_a_zip_and_one_as_it_is(
    page: Client, alice: Any, photo: bytes, batch: Batch, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    single = submit(alice, photo)
    send(single, photo)
    worker.work()
    shown = text(page.get("/batches/"))
    assert f'href="/batches/{batch.pk}/zip/"' in shown
    assert f'href="/batches/{single.pk}/zip/"' not in shown
    assert f'href="/jobs/{single.jobs.get().pk}/download/"' in shown


@pytest.mark.long
def test_the_history_is_paged(page: Client, alice: Any, photo: bytes) -> None:
    made = [submit(alice, photo) for _ in range(23)]
    first = page.get("/batches/")
    second = page.get(f"/batches/?after={first.context['following']}".replace("+", "%2B"))
    shown = [*first.context["batches"], *second.context["batches"]]
    assert [batch.pk for batch in shown] == [batch.pk for batch in reversed(made)]
    assert "Older" in text(first)
    assert "Older" not in text(second)


@pytest.mark.long
def test_rows_of_one_moment_are_neither_lost_nor_shown_twice(page: Client, alice: Any, photo: bytes) -> None:
    for _ in range(23):
        submit(alice, photo)
    Batch.objects.update(created_at=timezone.now())
    first = page.get("/batches/")
    second = page.get("/batches/", {"after": first.context["following"]})
    assert len({batch.pk for batch in [*first.context["batches"], *second.context["batches"]]}) == 23


def made_up(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.long
def test_an_invalid_cursor_starts_from_the_beginning(
    page: Client, batch: Batch, subtests: pytest.Subtests
) -> None:
    for after in (
        "nonsense",
        "2026-01-01_x",
        "_",
        made_up("2026-01-01T00:00:00 68bf2750-1ee9-44ad-9115-88b3389149be"),
        made_up("9999-12-31T23:59:59-23:59 68bf2750-1ee9-44ad-9115-88b3389149be"),
    ):
        with subtests.test(after=after):
            assert len(page.get("/batches/", {"after": after}).context["batches"]) == 1


@pytest.fixture
def found(page: Client) -> Callable[..., list[uuid.UUID]]:
    """Return a function that searches the history with these parameters and returns the batches found."""

    def found(**query: str) -> list[uuid.UUID]:
        return [one.pk for one in page.get("/batches/", query).context["batches"]]

    return found


@pytest.mark.long
def test_the_history_is_searched_by_name_and_state(
    found: Callable[..., list[uuid.UUID]], alice: Any, batch: Batch, photo: bytes
) -> None:
    waiting = submit(alice, photo, photo)
    assert found(q="PHOTO 1") == [waiting.pk]
    assert found(state="finished") == [batch.pk]
    assert found(q="photo 0", state="working") == [waiting.pk]
    assert found(q="nothing like it") == []
    assert found(state="failed") == []


@pytest.mark.long
def test_the_history_is_searched_by_the_formats(
    found: Callable[..., list[uuid.UUID]],
    alice: Any,
    batch: Batch,
    send: Callable[..., None],
    worker: RecordingDispatch,
) -> None:
    drawing = make_photo(40, 30, "PNG")
    best = submit(alice, drawing, recipes=[{"format": "auto"}])
    send(best, drawing)
    worker.work()
    waiting = submit(alice, drawing, recipes=[{"format": "avif"}])
    made = best.jobs.get().result_format
    assert found(source="jpeg") == [batch.pk]
    assert found(source="png") == [best.pk]
    assert found(format="tiff") == [batch.pk]
    assert best.pk in found(format=made)
    assert found(format="avif", state="working") == [waiting.pk]
    assert found(source="png", format="tiff") == []


@pytest.mark.long
def test_the_history_is_searched_by_days(found: Callable[..., list[uuid.UUID]], alice: Any) -> None:
    days = ["2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z"]
    made = [submit(alice, b"x") for _ in days]
    for batch, day in zip(made, days, strict=True):
        Batch.objects.filter(pk=batch.pk).update(created_at=day)
    first, last, next_day = (batch.pk for batch in made)
    assert found(since="2026-03-01", until="2026-03-01") == [last, first]
    assert found(since="2026-03-02") == [next_day]
    assert found(until="2026-03-01", q="photo") == [last, first]
    assert found(until="9999-12-31", since="0001-01-01") == [next_day, last, first]


@pytest.mark.long
def test_invalid_filters_are_reported_and_ignored(
    page: Client, batch: Batch, subtests: pytest.Subtests
) -> None:
    for name in ("state", "source", "format", "since", "until", "q"):
        with subtests.test(name=name):
            response = page.get("/batches/", {name: "no\0nsense"})
            assert [one.pk for one in response.context["batches"]] == [batch.pk]
            assert response.context["filter"].errors[name]


@pytest.mark.long
def test_the_next_page_keeps_the_filter(page: Client, alice: Any, photo: bytes) -> None:
    for _ in range(23):
        submit(alice, photo)
    first = page.get("/batches/", {"q": "photo", "state": "working"})
    link = re.search(r'href="([^"]*)">Older', text(first))
    assert link
    second = page.get("/batches/" + link[1].replace("&amp;", "&"))
    assert len(second.context["batches"]) == 3
    newest = re.search(r'href="([^"]*)">Newest', text(second))
    assert newest
    assert newest[1] == "?q=photo&amp;state=working"


@pytest.mark.long
def test_a_search_covers_a_limited_range_at_a_time(
    page: Client, alice: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "LOOK_BACK", 3)
    monkeypatch.setattr(filters, "STEP", 2)  # two steps, so four batches
    made = [submit(alice, photo) for _ in range(7)]
    Batch.objects.filter(pk__in=[batch.pk for batch in made[:4]]).update(created_at=made[0].created_at)
    for wanted in (made[6], made[0]):
        wanted.jobs.update(status="failed")
    looked_at, after = [], None
    while True:
        response = page.get("/batches/", {"state": "failed", **({"after": after} if after else {})})
        looked_at.append([one.pk for one in response.context["batches"]])
        assert ("Search further back" in text(response)) == bool(response.context["looked_back_to"])
        after = response.context["following"]
        if not after:
            break
    assert len(looked_at) == 2
    assert sum(looked_at, []) == [made[6].pk, made[0].pk]


@pytest.mark.long
def test_a_search_goes_on_until_the_page_is_full(
    page: Client, alice: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "STEP", 7)
    made = [submit(alice, photo) for _ in range(23)]
    made[5].jobs.update(status="failed")
    first = page.get("/batches/", {"state": "working"})
    second = page.get("/batches/", {"state": "working", "after": first.context["following"]})
    assert len(first.context["batches"]) == 20
    shown = [*first.context["batches"], *second.context["batches"]]
    assert [batch.pk for batch in shown] == [batch.pk for batch in reversed(made) if batch != made[5]]


def test_no_search_counts_all(page: Client, batch: Batch) -> None:
    with CaptureQueriesContext(connection) as asked:
        page.get("/batches/", {"q": "none", "source": "png", "format": "webp", "state": "failed"})
    assert not [query["sql"] for query in asked if "COUNT" in query["sql"]]


def test_a_user_sees_only_their_own_history(strangers_page: Client, batch: Batch) -> None:
    assert "photo 0.jpg" not in text(strangers_page.get("/batches/"))
    assert "photo 0.jpg" not in text(strangers_page.get("/batches/?q=photo"))


def test_a_hostile_name_is_only_text(page: Client, alice: Any) -> None:
    jobs.submit.submit(
        alice,
        outputs=[engine.Recipe.parse({"format": "webp"})],
        files=[jobs.NewFile("<script>alert(1)</script>.jpg", 5)],
    )
    assert "<script>alert" not in text(page.get("/batches/"))


def test_many_entries_are_deleted_at_once_after_asking(
    page: Client, alice: Any, bob: Any, photo: bytes
) -> None:
    mine, kept, his = submit(alice, photo), submit(alice, photo), submit(bob, photo)
    chosen = {"batch": [str(mine.pk), str(his.pk), "nonsense"]}
    assert "Delete 1 batch?" in text(page.post("/batches/delete/", chosen))
    assert Batch.objects.count() == 3
    assert "1 batch deleted." in text(page.post("/batches/delete/", {**chosen, "sure": "1"}, follow=True))
    assert set(Batch.objects.all()) == {kept, his}


@pytest.mark.long
def test_deleting_nothing_says_so(page: Client, batch: Batch) -> None:
    assert "Select at least one batch first." in text(
        page.post("/batches/delete/", {"sure": "1"}, follow=True)
    )
