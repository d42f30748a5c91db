from __future__ import annotations

from typing import Any

import pytest

from converter import jobs
from converter.engine import Recipe
from converter.jobs import NewFile
from converter.models import Batch
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import PNG, WEBP, Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


@pytest.mark.parametrize(
    ("files", "outputs", "code"),
    [
        ([], [WEBP], "no_files"),
        ([NewFile("a.jpg", 1)], [], "no_outputs"),
        ([NewFile("a.jpg", 0)], [WEBP], "empty_file"),
        ([NewFile("a.jpg", 10**12)], [WEBP], "too_many_bytes"),
        ([NewFile("a.jpg", 1)] * 201, [WEBP], "too_many_files"),
        ([NewFile("a.jpg", 1)], [WEBP, WEBP], "same_outputs"),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused_whole(
    alice: Any, files: list[NewFile], outputs: list[Recipe], code: str
) -> None:
    with pytest.raises(jobs.InvalidSubmission) as refusal:
        jobs.submit.submit(alice, files=files, outputs=outputs)
    assert refusal.value.code == code
    assert not Batch.objects.exists()


def test_keys_contain_only_safe_characters(alice: Any) -> None:
    batch = submit(alice, "../../ü & x?.jpg")
    key = the_job(batch).upload.key
    assert key.startswith(f"uploads/{alice.pk}/")
    assert key.count("/") == 3
    assert ".." not in key
    assert "&" not in key


def test_an_upload_is_converted_again_without_being_sent_again(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    first = submit(alice, "a.jpg")
    send(first, photo)
    worker.work()
    again = jobs.submit.submit(alice, uploads=[the_job(first).upload], outputs=[PNG])
    assert statuses(again) == ["queued"]
    worker.work()
    assert statuses(again) == ["finished"]


def test_a_deleted_upload_cannot_be_converted_again(alice: Any) -> None:
    upload = the_job(submit(alice, "a.jpg")).upload
    with pytest.raises(jobs.InvalidSubmission, match="no longer available"):
        jobs.submit.submit(alice, uploads=[upload], outputs=[PNG])


def test_a_file_at_a_url_is_named_by_its_path() -> None:
    assert NewFile.from_url("https://example.org/a/My%20photo.jpg?x=/y.png").name == "My photo.jpg"


def test_a_file_at_a_url_is_refused_if_import_is_turned_off(alice: Any, settings: Any) -> None:
    settings.CONVERTER_IMPORT_BY_URL = False
    files = [NewFile("a.jpg", 5), NewFile.from_url("https://example.org/b.jpg")]
    with pytest.raises(jobs.InvalidSubmission) as refusal:
        jobs.submit.submit(alice, files=files, outputs=[WEBP])
    assert [(error.pointer, error.message.code) for error in refusal.value.errors] == [
        ("/files/1/url", "import_disabled")
    ]
