"""Label and moderate images with Amazon Rekognition. If it does not respond, the conversion goes on."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

logger = logging.getLogger(__name__)

MOST_LABELS = 20
LEAST_CONFIDENCE = 70


def of_picture(jpeg: bytes) -> dict[str, Any]:
    """Return `labels` and `moderation` of a small JPEG, each as [{"name", "confidence"}] in percent.

    Empty if Rekognition does not respond.
    """
    image: Any = {"Image": {"Bytes": jpeg}}
    try:
        seen = _client().detect_labels(**image, MaxLabels=MOST_LABELS, MinConfidence=LEAST_CONFIDENCE)
        doubtful = _client().detect_moderation_labels(**image, MinConfidence=LEAST_CONFIDENCE)
    except (BotoCoreError, ClientError):
        logger.warning("No labels: Rekognition did not respond", exc_info=True)
        return {}
    return {"labels": _named(seen["Labels"]), "moderation": _named(doubtful["ModerationLabels"])}


def _named(labels: Any) -> list[dict[str, Any]]:
    return [{"name": label["Name"], "confidence": round(label["Confidence"], 1)} for label in labels]


@cache
def _client() -> RekognitionClient:
    return boto3.client(
        "rekognition",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=5
        ),
    )
