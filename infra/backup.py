"""Back up the data of a site in the cloud to one file on this machine, and restore it into a new site.

    make backup FILE=site.tar
    make restore FILE=site.tar

| member | content |
|---|---|
| `database.tar` | every row, as `manage.py backup` writes it; only the worker reaches the database |
| `metadata.jsonl`, `configuration.jsonl` | the items of the two tables, as DynamoDB describes them |
| `users.jsonl` | the users of the pool with attributes and groups; Cognito exports no passwords or second factors |
| `backup.json` | a manifest with counts; it is the last member, so that a truncated backup has none |
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.deployment import Deployment
from infra.errors import DeployError

VERSION = 1
MANIFEST, DATABASE, USERS = "backup.json", "database.tar", "users.jsonl"
TABLES = {"metadata.jsonl": "METADATA_TABLE", "configuration.jsonl": "CONFIGURATION_TABLE"}
MEMBERS = [DATABASE, *TABLES, USERS]

LINK_SECONDS = 15 * 60  # the maximum duration of a Lambda function
WRITE_AT_ONCE = 25  # items that DynamoDB takes in one call
LONGEST_PAUSE = 5  # seconds

# The regional host, and the signature version that all regions accept.
SIGNED = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})

Item = dict[str, Any]


@dataclass
class Backup:
    """A site and its backup file. The methods are steps for deploy.py; `folder` holds the members meanwhile."""

    site: Deployment
    file: Path
    new_subs: dict[str, str] = field(default_factory=dict)  # sub in the backup -> sub in this pool

    @property
    def folder(self) -> Path:
        return self.site.build / "backup"

    @property
    def variables(self) -> dict[str, str]:
        return dict(self.site.settings["production"]["aws_environment_variables"])

    @property
    def pool(self) -> str:
        return self.variables["COGNITO_USER_POOL_ID"]

    @cached_property
    def cognito(self) -> Any:
        return self.site.aws("cognito-idp")

    def make_folder(self) -> None:
        """Create the folder, empty and accessible only to the current user."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)

    def manage(self, *command: str) -> None:
        """Run a command in the worker without retries: boto3 would call again when a long one times out."""
        once = {"AWS_MAX_ATTEMPTS": "1"}
        self.site.zappa("manage", "production_worker", " ".join(command), folder=".", env=once)

    @contextmanager
    def passing(self, method: str) -> Iterator[tuple[Any, str, str, str]]:
        """Yield an S3 client, a bucket, a key, and a presigned URL for the worker to access the object.

        The worker itself has no permission for the bucket. All versions of the object are deleted at the end.
        """
        s3 = boto3.client("s3", region_name=self.site.region, config=SIGNED)
        bucket = str(self.site.settings["base"]["s3_bucket"])
        key = f"backup/{secrets.token_urlsafe(16)}.tar"
        link = s3.generate_presigned_url(
            method, Params={"Bucket": bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )
        try:
            yield s3, bucket, key, link
        finally:
            for kept in s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", []):
                s3.delete_object(Bucket=bucket, Key=key, VersionId=kept["VersionId"])

    # --- Back up ---

    def start(self) -> None:
        if self.file.exists():
            raise DeployError(f"{self.file} already exists. Choose another name.")
        self.make_folder()

    def take_database(self) -> None:
        with self.passing("put_object") as (s3, bucket, key, link):
            self.manage("backup", link)
            s3.download_file(bucket, key, str(self.folder / DATABASE))

    def take_tables(self) -> None:
        pages = self.site.aws("dynamodb").get_paginator("scan")
        for member, variable in TABLES.items():
            found = pages.paginate(TableName=self.variables[variable], ConsistentRead=True)
            write_lines(self.folder / member, (item for page in found for item in page["Items"]))

    def take_users(self) -> None:
        """Save the users who have confirmed their e-mail address. The others must sign up again."""
        groups: dict[str, list[str]] = {}
        for page in self.pages("list_groups"):
            for group in (one["GroupName"] for one in page["Groups"]):
                for members in self.pages("list_users_in_group", GroupName=group):
                    for user in members["Users"]:
                        groups.setdefault(user["Username"], []).append(group)
        users = (user for page in self.pages("list_users") for user in page["Users"])
        write_lines(
            self.folder / USERS,
            (
                {
                    "attributes": {one["Name"]: one["Value"] for one in user["Attributes"]},
                    "enabled": user["Enabled"],
                    "groups": groups.get(user["Username"], []),
                }
                for user in users
                if user["UserStatus"] != "UNCONFIRMED"
            ),
        )

    def pages(self, operation: str, **more: str) -> Any:
        return self.cognito.get_paginator(operation).paginate(UserPoolId=self.pool, **more)

    def write_file(self) -> None:
        manifest = {
            "version": VERSION,
            "project": self.site.project,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "users": len(read_lines(self.folder / USERS)),
        }
        (self.folder / MANIFEST).write_text(json.dumps(manifest, indent=2))
        try:
            self.pack()
        except OSError as error:
            raise DeployError(f"{self.file} could not be written: {error.strerror}.") from error
        shutil.rmtree(self.folder)
        print(f"{self.file}: {self.file.stat().st_size / 10**6:.1f} MB, {manifest['users']} users")
        print("It does not contain images, passwords or the keys of the site: see docs/deploy.md.")

    def pack(self) -> None:
        descriptor = os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
                for member in (*MEMBERS, MANIFEST):
                    tar.add(self.folder / member, member)
        except OSError:
            self.file.unlink()
            raise

    # --- Restore ---

    def read_file(self) -> None:
        """Unpack the backup. Raises DeployError if it is incomplete or has unknown members."""
        self.make_folder()
        try:
            with tarfile.open(self.file, "r:") as tar:
                for member in tar:
                    content = tar.extractfile(member) if member.isreg() else None
                    if content is None or member.name not in (*MEMBERS, MANIFEST):
                        raise DeployError(
                            f"{self.file} is not a backup of a site in the cloud: it contains {member.name}."
                        )
                    with (self.folder / member.name).open("wb") as file:
                        shutil.copyfileobj(content, file)
        except (OSError, tarfile.TarError, EOFError) as error:
            raise DeployError(f"{self.file} is not a backup, or is damaged: {error}.") from error
        if not (self.folder / MANIFEST).exists():
            raise DeployError(f"{self.file} is incomplete: its end is missing.")
        manifest = json.loads((self.folder / MANIFEST).read_text())
        if manifest["version"] > VERSION:
            raise DeployError("This backup was made by a newer version. Install that version first.")
        print(f"{manifest['project']}, {manifest['made_at']}, {manifest['users']} users")

    def refuse_a_used_site(self) -> None:
        self.manage("restore", "empty")

    def restore_users(self) -> None:
        """Create missing users with random passwords, and record the new `sub` of each user."""
        known = {group["GroupName"] for page in self.pages("list_groups") for group in page["Groups"]}
        for user in read_lines(self.folder / USERS):
            email = user["attributes"]["email"]
            self.new_subs[user["attributes"]["sub"]] = self.restore_user(email, user["attributes"])
            for group in known.intersection(user["groups"]):
                self.cognito.admin_add_user_to_group(UserPoolId=self.pool, Username=email, GroupName=group)
            if not user["enabled"]:
                self.cognito.admin_disable_user(UserPoolId=self.pool, Username=email)

    def restore_user(self, email: str, attributes: dict[str, str]) -> str:
        """Return the user's `sub` in this pool. Existing users keep their passwords."""
        named = {"UserPoolId": self.pool, "Username": email}
        given = [
            {"Name": name, "Value": value}
            for name, value in attributes.items()
            if name not in ("sub", "identities") and not name.startswith("cognito:")
        ]
        try:
            made = self.cognito.admin_create_user(**named, UserAttributes=given, MessageAction="SUPPRESS")
            status, kept = made["User"]["UserStatus"], made["User"]["Attributes"]
        except self.cognito.exceptions.UsernameExistsException:
            found = self.cognito.admin_get_user(**named)
            status, kept = found["UserStatus"], found["UserAttributes"]
        if status == "FORCE_CHANGE_PASSWORD":  # a status in which users cannot reset a forgotten password
            password = f"{secrets.token_urlsafe(32)}aA1-"  # one of each kind that a pool may ask for
            self.cognito.admin_set_user_password(**named, Password=password, Permanent=True)
        return next(str(one["Value"]) for one in kept if one["Name"] == "sub")

    def restore_tables(self) -> None:
        dynamodb = self.site.aws("dynamodb")
        for member, variable in TABLES.items():
            items = read_lines(self.folder / member)
            for start in range(0, len(items), WRITE_AT_ONCE):
                puts = [{"PutRequest": {"Item": item}} for item in items[start : start + WRITE_AT_ONCE]]
                write(dynamodb, {self.variables[variable]: puts})

    def restore_database(self) -> None:
        file = self.folder / "rows.tar"
        rename_users(self.folder / DATABASE, file, self.new_subs)
        with self.passing("get_object") as (s3, bucket, key, link):
            s3.upload_file(str(file), bucket, key)
            self.manage("restore", link)
        shutil.rmtree(self.folder)
        print(
            "Restored. Users who were not in this user pool have no password: they choose one with "
            '"Forgot your password?", and set up their second factor again.'
        )


def write(dynamodb: Any, requests: dict[str, Any]) -> None:
    """Write a batch. DynamoDB returns throttled items without an error: retry them with growing pauses."""
    pause = 0.1
    while requests := dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def rename_users(database: Path, target: Path, new_subs: dict[str, str]) -> None:
    """Copy a database backup, replacing the users' old `sub` values by the new ones. Raises DeployError."""
    rows = "rows.jsonl"
    try:
        with tarfile.open(database, "r:") as old, tarfile.open(target, "w") as new:
            for member in old:
                content = old.extractfile(member)
                if member.name != rows or content is None:
                    new.addfile(member, content)
                    continue
                renamed = target.with_name(rows)
                with renamed.open("wb") as file:
                    file.writelines(renamed_row(line, new_subs) for line in content)
                new.add(renamed, rows)
    except (tarfile.TarError, EOFError) as error:
        raise DeployError(f"{database.name} in the backup is damaged: {error}.") from error


def renamed_row(line: bytes, new_subs: dict[str, str]) -> bytes:
    if b'"accounts.user"' not in line:
        return line
    row = json.loads(line)
    if row["model"] == "accounts.user" and row["fields"]["sub"] in new_subs:
        row["fields"]["sub"] = new_subs[row["fields"]["sub"]]
    return json.dumps(row).encode() + b"\n"


def write_lines(path: Path, items: Iterable[Item]) -> None:
    with path.open("w") as file:
        file.writelines(f"{json.dumps(item)}\n" for item in items)


def read_lines(path: Path) -> list[Item]:
    with path.open() as file:
        return [json.loads(line) for line in file]
