"""Convert images on an imagesite server.

with Client("https://images.example.org", token) as client:
    result = client.convert("photo.jpg", {"format": "webp", "resize": {"width": 1600}})
    result.save("photo.webp")
"""

from __future__ import annotations

from imagesite_client.clients import AsyncClient, Client
from imagesite_client.errors import ApiError, ConversionError, ImagesiteError, InvalidWebhook
from imagesite_client.models import Job, Problem, Progress, Result, Source
from imagesite_client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ConversionError",
    "ImagesiteError",
    "InvalidWebhook",
    "Job",
    "Problem",
    "Progress",
    "Result",
    "Source",
    "verify_webhook",
]
