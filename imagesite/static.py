"""Static files under names that hold their digest: by WhiteNoise at home, on S3 behind CloudFront in the cloud."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3StaticStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

_DEEPEST = 12  # modules that import each other in a row; each level needs a pass

# Our modules import each other by such names too. Django's own switch for it takes every script there is, and stumbles
# over words in other people's that only look like an import.
_MODULES = ("converter/js/*.js", ManifestFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class HomeStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    patterns = (*CompressedManifestStaticFilesStorage.patterns, _MODULES)
    max_post_process_passes = _DEEPEST


class _StaticBucket(S3StaticStorage):  # type: ignore[misc]
    @cached_property
    def _names(self) -> set[str]:
        """Return what is there, by one listing instead of a question for each file."""
        return {entry.key for entry in self.bucket.objects.filter(Prefix=f"{self.location}/")}

    def exists(self, name: str) -> bool:
        return f"{self.location}/{name}" in self._names

    def _save(self, name: str, content: Any) -> str:
        saved: str = super()._save(name, content)
        self._names.add(f"{self.location}/{saved}")
        return saved

    def delete(self, name: str) -> None:
        super().delete(name)
        self._names.discard(f"{self.location}/{name}")

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        # Under the site's own name, whatever that is.
        return settings.STATIC_URL + quote(name)


class StaticFiles(ManifestFilesMixin, _StaticBucket):
    """The list of names travels with the code (`manifest_folder`), not with the files.

    So a page never names a file of another build, and no page waits for S3.
    """

    patterns = (*ManifestFilesMixin.patterns, _MODULES)
    max_post_process_passes = _DEEPEST

    def __init__(self, *, manifest_folder: str, **options: Any) -> None:
        super().__init__(
            manifest_storage=FileSystemStorage(location=manifest_folder, allow_overwrite=True),
            object_parameters={"CacheControl": "public, max-age=31536000, immutable"},
            location="static",
            **options,
        )
