"""Static files with hashed names, served by WhiteNoise at home and by S3 and CloudFront in the cloud."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin, ManifestStaticFilesStorage
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3StaticStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

_DEEPEST = 12  # the longest chain of module imports; each level needs a pass

# Rewrites the imports in our own modules. Django's `support_js_module_import_aggregation` covers all scripts,
# and fails on third-party code that only looks like an import.
_MODULES = ("converter/js/*.js", ManifestFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class HomeStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    patterns = (*CompressedManifestStaticFilesStorage.patterns, _MODULES)
    max_post_process_passes = _DEEPEST


class StaticFiles(ManifestStaticFilesStorage):
    """Static files built in a local folder, since each pass rewrites all modules, then uploaded to S3.

    The manifest is deployed with the code (`manifest_folder`), not with the files, so that pages never refer
    to files of another build and never wait for S3.
    """

    patterns = (*ManifestStaticFilesStorage.patterns, _MODULES)
    max_post_process_passes = _DEEPEST

    def __init__(self, *, bucket_name: str, region_name: str, manifest_folder: str) -> None:
        folder = tempfile.mkdtemp(prefix="static-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(
            location=folder,
            manifest_storage=FileSystemStorage(location=manifest_folder, allow_overwrite=True),
        )
        self._bucket = S3StaticStorage(
            bucket_name=bucket_name,
            region_name=region_name,
            object_parameters={"CacheControl": "public, max-age=31536000, immutable"},
            location="static",
        )

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Hash the files, then upload all of them, except hashed ones that are there already."""
        yield from super().post_process(paths, dry_run, **options)
        if dry_run:
            return
        there = {entry.key for entry in self._bucket.bucket.objects.filter(Prefix="static/")}
        for path in sorted(Path(self.location).rglob("*")):
            name = path.relative_to(self.location).as_posix()
            if path.is_file() and (name in self.hashed_files or f"static/{name}" not in there):
                with path.open("rb") as file:
                    self._bucket.save(name, File(file))
