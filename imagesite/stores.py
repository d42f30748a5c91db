"""The buckets of a site at home: folders, or a bucket of any S3-compatible storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BUCKETS = ("uploads", "results")


def folders(root: Path) -> dict[str, dict[str, Any]]:
    """Return the STORAGES entries of folders below `root`."""
    return {
        name: {
            "BACKEND": "converter.storage.folder.FolderStorage",
            "OPTIONS": {"bucket": name, "root": root},
        }
        for name in BUCKETS
    }


def bucket(name: str, *, endpoint: str, region: str) -> dict[str, dict[str, Any]]:
    """Return the STORAGES entries of one bucket, on Amazon S3 unless `endpoint` is set."""
    return {
        prefix: {
            "BACKEND": "converter.storage.site.SiteBucket",
            "OPTIONS": {
                "prefix": prefix,
                "bucket_name": name,
                "endpoint_url": endpoint or None,
                "region_name": region,
            },
        }
        for prefix in BUCKETS
    }
