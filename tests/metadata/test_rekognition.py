from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from converter import metadata
from converter.metadata import rekognition


@pytest.fixture
def answers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings.CONVERTER_LABELS = "converter.metadata.rekognition.of_picture"
    rekognition._client.cache_clear()
    with Stubber(rekognition._client()) as stub:
        yield stub
    rekognition._client.cache_clear()


def test_it_is_off_by_default() -> None:
    assert metadata.labels_of(b"jpeg") == {}


def test_it_works(answers: Stubber, photo: bytes) -> None:
    answers.add_response(
        "detect_labels",
        {"Labels": [{"Name": "Dog", "Confidence": 98.7654, "Instances": []}]},
        {"Image": {"Bytes": photo}, "MaxLabels": 20, "MinConfidence": 70},
    )
    answers.add_response(
        "detect_moderation_labels",
        {"ModerationLabels": [{"Name": "Violence", "Confidence": 71.0, "ParentName": ""}]},
        {"Image": {"Bytes": photo}, "MinConfidence": 70},
    )
    assert metadata.labels_of(photo) == {
        "labels": [{"name": "Dog", "confidence": 98.8}],
        "moderation": [{"name": "Violence", "confidence": 71.0}],
    }


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InvalidImageFormatException", "AccessDeniedException"]
)
def test_it_fails_softly_and_says_so(
    answers: Stubber, caplog: pytest.LogCaptureFixture, photo: bytes, code: str
) -> None:
    answers.add_client_error("detect_labels", code)
    with caplog.at_level(logging.WARNING):
        assert metadata.labels_of(photo) == {}
    assert "Rekognition did not respond" in caplog.text
