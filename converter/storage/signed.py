"""Signed upload forms, signed links and events by the site, as S3 offers them for a private bucket."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import IO, NamedTuple

from django.core import signing
from django.dispatch import Signal
from django.urls import reverse

from converter.storage import Stored, UploadForm, end_of_link

# Like an S3 bucket notification. Sent with bucket_name, key and stored after an object is in place.
object_created = Signal()

FORM_SALT = "converter.storage.upload_form"
LINK_SALT = "converter.storage.download_url"


class Link(NamedTuple):
    """An object that may be downloaded, with its file name and type."""

    key: str
    name: str
    content_type: str


class SignedBucket(ABC):
    """A bucket whose forms and links point to `converter.events.local`."""

    @abstractmethod
    def check_key(self, key: str) -> None:
        """Raise ValueError if the key does not belong to this bucket."""

    @abstractmethod
    def open_object(self, key: str) -> tuple[IO[bytes], Stored]:
        """Open an object to read. Its tag changes with its bytes. Raises FileNotFoundError, StorageFault."""

    def upload_form(self, key: str, *, max_size: int, lifetime: timedelta, filename: str = "") -> UploadForm:
        self.check_key(key)
        expires = int(time.time() + lifetime.total_seconds())
        policy = signing.dumps({"key": key, "max": max_size, "expires": expires}, salt=FORM_SALT)
        return UploadForm(url=reverse("local:upload"), fields={"key": key, "policy": policy})

    def download_url(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta, until: datetime
    ) -> str:
        token = signing.Signer(salt=LINK_SALT).sign_object(
            {
                "key": key,
                "name": filename,
                "type": content_type,
                "expires": end_of_link(lifetime, until),
            }
        )
        return reverse("local:download", args=[token, filename])

    @staticmethod
    def read_link(token: str) -> Link:
        """Return the target of a link. Raises PermissionError if it is expired or wrongly signed."""
        try:
            link = signing.Signer(salt=LINK_SALT).unsign_object(token)
        except signing.BadSignature as exc:
            raise PermissionError("forged") from exc
        if link["expires"] < time.time():
            raise PermissionError("expired")
        return Link(link["key"], link["name"], link["type"])

    @staticmethod
    def read_policy(policy: str, at: float) -> tuple[str, int]:
        """Return the key and the maximum size in bytes that a form posted `at` (Unix time) allows.

        Raises PermissionError if its signature is invalid or it had expired by then.
        """
        try:
            conditions = signing.loads(policy, salt=FORM_SALT)
        except signing.BadSignature as exc:
            raise PermissionError("forged") from exc
        if conditions["expires"] < at:
            raise PermissionError("expired")
        return conditions["key"], conditions["max"]
