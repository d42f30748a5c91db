"""Static files on S3, under names that hold their digest, served by CloudFront."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3StaticStorage


class _StaticBucket(S3StaticStorage):  # type: ignore[misc]
    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        # Under the site's own name, whatever that is.
        return settings.STATIC_URL + quote(name)


class StaticFiles(ManifestFilesMixin, _StaticBucket):
    """The list of names travels with the code (`manifest_folder`), not with the files.

    So a page never names a file of another build, and the first page does not wait for S3.
    """

    def __init__(self, *, manifest_folder: str, **options: Any) -> None:
        super().__init__(
            manifest_storage=FileSystemStorage(location=manifest_folder, allow_overwrite=True),
            object_parameters={"CacheControl": "public, max-age=31536000, immutable"},
            location="static",
            **options,
        )
