"""One set of tests for both twins; each has a class that makes a bucket and inherits the tests."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing

from converter.storage import Bucket, StorageFault
from converter.storage.folder import FolderStorage
from converter.storage.signed import LINK_SALT

HOUR = timedelta(hours=1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


class BucketPromises:
    @pytest.fixture
    def bucket(self) -> Bucket:
        raise AssertionError("each twin makes its own")

    def put(self, bucket: Bucket, key: str, content: bytes) -> Any:
        return bucket.put(key, io.BytesIO(content), filename="a.png", content_type="image/png")

    def test_it_reads_what_was_put(self, bucket: Bucket) -> None:
        stored = self.put(bucket, "results/a/b", b"bytes")
        assert bucket.read("results/a/b") == (b"bytes", stored)
        assert bucket.stat("results/a/b") == stored

    def test_the_etag_is_that_of_s3(self, bucket: Bucket) -> None:
        stored = self.put(bucket, "results/a", b"bytes")
        assert stored.etag == hashlib.md5(b"bytes").hexdigest()
        assert stored.size == 5

    def test_a_second_put_replaces_the_first(self, bucket: Bucket) -> None:
        self.put(bucket, "results/a", b"first")
        self.put(bucket, "results/a", b"other")
        assert bucket.read("results/a")[0] == b"other"

    def test_a_multipart_upload_is_one_object(self, bucket: Bucket) -> None:
        parts = (bytes([number]) * number for number in range(200))
        stored = bucket.put_parts("results/a", parts, filename="a.zip", content_type="application/zip")
        data, read = bucket.read("results/a")
        assert data == b"".join(bytes([number]) * number for number in range(200))
        assert (stored, stored.size) == (read, len(data))

    def test_an_interrupted_multipart_upload_leaves_nothing(self, bucket: Bucket) -> None:
        def parts() -> Iterator[bytes]:
            yield b"first"
            raise StorageFault("a result could not be read")

        with pytest.raises(StorageFault, match="could not be read"):
            bucket.put_parts("results/a", parts(), filename="a.zip", content_type="application/zip")
        with pytest.raises(FileNotFoundError):
            bucket.read("results/a")

    def test_a_missing_object_is_file_not_found(self, bucket: Bucket) -> None:
        with pytest.raises(FileNotFoundError):
            bucket.read("results/none")
        with pytest.raises(FileNotFoundError):
            bucket.stat("results/none")

    def test_removing_is_repeatable(self, bucket: Bucket) -> None:
        self.put(bucket, "results/a", b"1")
        self.put(bucket, "results/b", b"2")
        bucket.remove(["results/a", "results/b", "results/never"])
        bucket.remove(["results/a"])
        with pytest.raises(FileNotFoundError):
            bucket.read("results/b")

    def test_removing_nothing_is_no_error(self, bucket: Bucket) -> None:
        bucket.remove([])

    @pytest.mark.parametrize(
        "name", ["with space.png", "plus+sign.png", "ünïcode-写真.png", "per%25cent.png"]
    )
    def test_it_accepts_any_name(self, bucket: Bucket, name: str) -> None:
        self.put(bucket, f"results/a/{name}", b"1")
        assert bucket.read(f"results/a/{name}")[0] == b"1"

    def test_an_upload_form_names_its_key(self, bucket: Bucket) -> None:
        form = bucket.upload_form("results/a", max_size=10, lifetime=HOUR)
        assert form.fields["key"] == "results/a"
        assert form.url

    def test_a_link_is_stable_for_a_while(self, bucket: Bucket) -> None:
        self.put(bucket, "results/a", b"1")
        links = {
            bucket.download_url(
                "results/a", filename="a.png", content_type="image/png", lifetime=HOUR, until=TOMORROW
            )
            for _ in range(3)
        }
        assert len(links) == 1

    def test_a_link_does_not_outlive_what_it_leads_to(self, bucket: Bucket) -> None:
        until = datetime.now(UTC) + timedelta(minutes=10)
        link = bucket.download_url("results/a", filename="a", content_type="a/b", lifetime=HOUR, until=until)
        assert abs(self.end_of(link) - until) < timedelta(minutes=1)

    def end_of(self, link: str) -> datetime:
        raise AssertionError("each twin reads its own")


class TestFolder(BucketPromises):
    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Bucket:
        return FolderStorage("results", tmp_path)

    def end_of(self, link: str) -> datetime:
        token = link.split("/")[-2]
        signed = signing.Signer(salt=LINK_SALT).unsign_object(token)
        return datetime.fromtimestamp(signed["expires"], UTC)

    def test_it_leaves_no_empty_folders(self, bucket: Bucket, tmp_path: Path) -> None:
        self.put(bucket, "results/a/b/c", b"1")
        bucket.remove(["results/a/b/c"])
        assert not (tmp_path / "results" / "a").exists()

    def test_it_stays_in_its_folder(self, bucket: Bucket) -> None:
        for key in ("uploads/a", "/etc/passwd", "results/../../a"):
            with pytest.raises(Exception, match=r"not a key|outside"):
                self.put(bucket, key, b"1")

    def test_a_folder_that_another_process_removes_meanwhile_loses_nothing(
        self, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def removed_once(source: str, target: Path) -> None:
            target.parent.rmdir()  # empty until then, as after `remove`
            monkeypatch.setattr("converter.storage.folder.os.replace", replace)
            replace(source, target)

        replace = os.replace
        monkeypatch.setattr("converter.storage.folder.os.replace", removed_once)
        self.put(bucket, "results/a/b", b"1")
        assert bucket.read("results/a/b")[0] == b"1"

    def test_a_folder_that_is_removed_while_it_is_written_to_is_a_fault(
        self, bucket: Bucket, tmp_path: Path
    ) -> None:
        def parts() -> Iterator[bytes]:
            yield b"1"
            shutil.rmtree(tmp_path / "results")

        with pytest.raises(StorageFault):
            bucket.put_parts("results/a", parts(), filename="", content_type="")

    def test_a_broken_put_leaves_nothing(self, bucket: Bucket, tmp_path: Path) -> None:
        class Broken(io.BytesIO):
            def read(self, *args: Any) -> bytes:
                raise ConnectionError("gone")

        with pytest.raises(Exception, match="could not be written"):
            bucket.put("results/a", Broken(), filename="", content_type="")
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
