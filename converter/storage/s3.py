"""The cloud twin: private S3 buckets, through django-storages."""

from __future__ import annotations

import math
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from converter.engine.filenames import split_extension
from converter.storage import StorageFault, Stored, UploadForm, attachment, end_of_link

DELETE_AT_ONCE = 1000  # the limit of S3's DeleteObjects
LINKS_REMEMBERED = 4096
CACHED = "private, max-age=300, immutable"

# S3 stores at most 2 KB of headers with an object, including its type and caching.
MOST_NAME_BYTES = 1800

# S3 allows 10,000 parts per object, here 320 GB. No threads, since each would hold a part in memory.
IN_PARTS = TransferConfig(multipart_chunksize=32 << 20, multipart_threshold=32 << 20, use_threads=False)

# SigV4 and the regional host. By default boto3 presigns with SigV2, which newer buckets refuse, for the
# global host, which answers a cross-origin POST with a redirect that browsers do not follow.
CLIENT = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=3,
    user_agent="imagesite",  # boto3's default is long and built twice per call
    read_timeout=20,
)

# Path-style addresses need no DNS entry per bucket; most compatible storages lack checksum trailers.
ELSEWHERE = Config(
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@contextmanager
def faults() -> Iterator[None]:
    """Raise S3's errors as FileNotFoundError or StorageFault."""
    try:
        yield
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in ("404", "NoSuchKey"):
            raise FileNotFoundError("There is no such object.") from exc
        raise StorageFault(f"S3 rejected the request: {code}.") from exc
    except BotoCoreError as exc:
        raise StorageFault(f"S3 did not respond: {type(exc).__name__}.") from exc


class S3Bucket(S3Storage):  # type: ignore[misc]
    """One bucket. With `cloudfront_key_id` and the PEM `cloudfront_key`, links go through `custom_domain`.

    `endpoint_url` is that of an S3-compatible storage. `form_url` is where forms are posted, by default to
    the bucket.
    """

    def __init__(self, *, form_url: str = "", **options: Any) -> None:
        config = CLIENT.merge(ELSEWHERE) if options.get("endpoint_url") else CLIENT
        super().__init__(client_config=config, **options)
        self._form_url = form_url
        self._presigned = lru_cache(LINKS_REMEMBERED)(self._presign)

    def has_room(self, size: int) -> bool:
        return True

    def put(self, key: str, content: IO[bytes], *, filename: str, content_type: str) -> Stored:
        # A single request is atomic and makes the entity tag the MD5 digest of the bytes.
        with faults():
            answer = self._client.put_object(
                Bucket=self.bucket_name,
                Key=key,
                Body=content,
                ContentType=content_type or "application/octet-stream",
                ContentDisposition=_attachment(filename),
                CacheControl=CACHED,
            )
        return Stored(size=content.tell(), etag=_bare(answer["ETag"]))

    def put_parts(self, key: str, parts: Iterator[bytes], *, filename: str, content_type: str) -> Stored:
        content = _Parts(parts)
        with faults():
            self._client.upload_fileobj(
                content,
                self.bucket_name,
                key,
                ExtraArgs={
                    "ContentType": content_type,
                    "ContentDisposition": _attachment(filename),
                    "CacheControl": CACHED,
                },
                Config=IN_PARTS,
            )
        return self.stat(key)

    def read(self, key: str) -> tuple[bytes, Stored]:
        with faults():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=key)
            data: bytes = answer["Body"].read()
        return data, Stored(size=len(data), etag=_bare(answer["ETag"]))

    def stat(self, key: str) -> Stored:
        with faults():
            answer = self._client.head_object(Bucket=self.bucket_name, Key=key)
        return Stored(size=answer["ContentLength"], etag=_bare(answer["ETag"]))

    def remove(self, keys: Iterable[str]) -> None:
        ordered = list(keys)
        for start in range(0, len(ordered), DELETE_AT_ONCE):
            objects = [{"Key": key} for key in ordered[start : start + DELETE_AT_ONCE]]
            with faults():
                answer = self._client.delete_objects(
                    Bucket=self.bucket_name, Delete={"Objects": objects, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                raise StorageFault(
                    f"S3 did not delete {len(errors)} of {len(objects)} objects: {errors[0]['Code']}."
                )

    def remove_partial(self, before: datetime) -> int:
        return 0  # the bucket's lifecycle rules abort incomplete uploads

    def exists(self, name: str) -> bool:
        """Return whether the object exists. Raises StorageFault if the bucket is missing or access is denied.

        It lists the key, since HEAD gives the same response for a missing object and a missing bucket.
        """
        with faults():
            answer = self._client.list_objects_v2(Bucket=self.bucket_name, Prefix=name, MaxKeys=1)
        return any(found["Key"] == name for found in answer.get("Contents", []))

    def upload_form(self, key: str, *, max_size: int, lifetime: timedelta, filename: str = "") -> UploadForm:
        # Every field needs a condition. Type and disposition are fixed: originals are only ever downloaded.
        fixed = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": _attachment(filename),
            "success_action_status": "201",
        }
        with faults():
            form = self._client.generate_presigned_post(
                self.bucket_name,
                key,
                Fields=dict(fixed),
                Conditions=[
                    *({name: value} for name, value in fixed.items()),
                    ["content-length-range", 1, max_size],
                ],
                ExpiresIn=int(lifetime.total_seconds()),
            )
        return UploadForm(url=self._form_url or form["url"], fields=form["fields"])

    def download_url(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta, until: datetime
    ) -> str:
        # Name and type are stored with the object.
        expires = end_of_link(lifetime, until)
        if self.cloudfront_signer is None:
            return self._presigned(key, expires)
        link: str = self.cloudfront_signer.generate_presigned_url(
            f"https://{self.custom_domain}/{urllib.parse.quote(key)}",
            date_less_than=datetime.fromtimestamp(expires, UTC),
        )
        return link

    def _presign(self, key: str, expires: int) -> str:
        link: str = self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.bucket_name, "Key": key},
            ExpiresIn=max(1, math.floor(expires - time.time())),
        )
        return link

    def _create_session(self) -> Any:
        session = super()._create_session()
        session.events.register("request-created.s3.PutObject", _send_at_once)
        return session

    @property
    def _client(self) -> Any:
        return self.connection.meta.client


class _Parts:
    """A forward-only file of the parts: S3 needs parts of equal length, except the last."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""

    def read(self, size: int = -1) -> bytes:
        gathered = [self._rest]
        length = len(self._rest)
        while (size < 0 or length < size) and (part := next(self._parts, None)) is not None:
            gathered.append(part)
            length += len(part)
        data = b"".join(gathered)
        end = length if size < 0 else size
        self._rest = data[end:]
        return data[:end]


def _attachment(filename: str) -> str:
    """Return the Content-Disposition header, with the percent-encoded name cut to what S3 stores."""
    stem, suffix = split_extension(filename)
    for length in range(len(stem), -1, -1):
        header = attachment(stem[:length] + suffix)
        if len(header) <= MOST_NAME_BYTES:
            return header
    return "attachment"


def _send_at_once(request: AWSRequest, **event: object) -> None:
    """Skip the extra round trip of `Expect: 100-continue`."""
    del request.headers["Expect"]


def _bare(etag: str) -> str:
    return etag.strip('"')
