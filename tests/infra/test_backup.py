"""`make backup` and `make restore`: what they save of a cloud site in one file, and restore from it."""

from __future__ import annotations

import functools
import io
import json
import stat
import tarfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from joserfc import jwk

from infra.backup import Backup, write
from infra.deploy import backup, main, restore, walk
from infra.deployment import Deployment
from infra.errors import DeployError
from tests.cloud import cognito
from tests.cloud.stack import BUCKETS, bucket
from tests.infra.test_deploy import PYTHON

pytestmark = pytest.mark.long

SETTINGS = Path(__file__).resolve().parents[2] / "zappa_settings.json"
REGION = "eu-west-1"
TABLES = {"imagesite-metadata": "upload", "imagesite-configuration": "name"}


@functools.cache
def client(service: str) -> Any:
    """Return a cached client, since creating one is slow; it works with moto in any test."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


def rows(sub: str, email: str = "alice@example.org") -> bytes:
    lines = [
        {"model": "accounts.user", "pk": "1", "fields": {"sub": sub, "email": email}},
        {"model": "accounts.user", "pk": "2", "fields": {"sub": None, "email": "guest"}},
        {"model": "converter.recipe", "pk": "3", "fields": {"name": "about accounts.user", "sub": sub}},
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def tar_of(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member_of(content: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()


class Worker:
    """Stands in for Zappa and the worker: `manage backup` stores `database`, `manage restore` reads it."""

    def __init__(self) -> None:
        self.database = b""
        self.used = False

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        assert command[1:3] == ["manage", "production_worker"], command
        # A call must not be repeated because its response was lost.
        assert env["AWS_MAX_ATTEMPTS"] == "1"
        verb, argument = command[3].split(" ")
        if argument == "empty":
            if self.used:
                raise DeployError("There are rows in the database.")
            return ""
        address = urllib.parse.urlsplit(argument)
        assert "X-Amz-Signature" in address.query
        where = {"Bucket": address.netloc.partition(".")[0], "Key": address.path.lstrip("/")}
        if verb == "backup":
            client("s3").put_object(**where, Body=self.database)
        else:
            self.database = client("s3").get_object(**where)["Body"].read()
        return ""


@pytest.fixture
def make_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], Deployment]]:
    """Yield a function that makes a new, empty site in place of the previous one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(jwk.RSAKey, "import_key", cognito.import_key)
    with moto.mock_aws():
        where = {"LocationConstraint": REGION}
        for use in BUCKETS:
            client("s3").create_bucket(Bucket=bucket(use), CreateBucketConfiguration=where)
        client("s3").put_bucket_versioning(
            Bucket=bucket("deployment"), VersioningConfiguration={"Status": "Enabled"}
        )

        def make() -> Deployment:
            pool, _ = cognito.make_pool(client("cognito-idp"))
            for table, key in TABLES.items():
                if table in client("dynamodb").list_tables()["TableNames"]:
                    client("dynamodb").delete_table(TableName=table)
                client("dynamodb").create_table(
                    TableName=table,
                    BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                )
            settings = json.loads(SETTINGS.read_text())
            settings["base"]["s3_bucket"] = bucket("deployment")
            settings["production"]["aws_environment_variables"]["COGNITO_USER_POOL_ID"] = pool
            client("s3").put_object(
                Bucket=bucket("deployment"), Key="zappa_settings.json", Body=json.dumps(settings)
            )
            return Deployment(
                "imagesite",
                REGION,
                run=Worker(),
                builds=tmp_path / pool,
                python=PYTHON,
                fetch=lambda url: b'{"keys": []}',
            )

        yield make


def pool_of(site: Deployment) -> str:
    return str(site.settings["production"]["aws_environment_variables"]["COGNITO_USER_POOL_ID"])


def add_user(pool: str, email: str, *, staff: bool = False, enabled: bool = True) -> str:
    identity, who = client("cognito-idp"), {"UserPoolId": pool, "Username": email}
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    identity.admin_create_user(**who, UserAttributes=attributes)
    identity.admin_set_user_password(**who, Password="Correct horse 1 battery", Permanent=True)
    if staff:
        identity.admin_add_user_to_group(**who, GroupName="staff")
    if not enabled:
        identity.admin_disable_user(**who)
    return str(user(pool, email)["sub"])


def user(pool: str, email: str) -> dict[str, Any]:
    found = client("cognito-idp").admin_get_user(UserPoolId=pool, Username=email)
    groups = client("cognito-idp").admin_list_groups_for_user(UserPoolId=pool, Username=email)["Groups"]
    attributes = {one["Name"]: one["Value"] for one in found["UserAttributes"]}
    return {
        **attributes,
        "status": found["UserStatus"],
        "enabled": found["Enabled"],
        "groups": [group["GroupName"] for group in groups],
    }


def items(table: str) -> list[dict[str, Any]]:
    return list(client("dynamodb").scan(TableName=table)["Items"])


def worker(site: Deployment) -> Worker:
    assert isinstance(site.run, Worker)
    return site.run


def test_rows_users_and_tables_are_restored_into_a_new_site(
    make_site: Callable[[], Deployment], tmp_path: Path
) -> None:
    old, file = make_site(), tmp_path / "site.tar"
    old.fetch_settings()
    sub = add_user(pool_of(old), "alice@example.org", staff=True)
    add_user(pool_of(old), "bob@example.org", enabled=False)
    worker(old).database = tar_of(rows__jsonl=rows(sub), backup__json=b"{}")
    configuration = {"name": {"S": "site"}, "values": {"S": '{"notice": "Grüße"}'}}
    metadata = [{"upload": {"S": str(n)}, "expires_at": {"N": "1"}} for n in range(60)]
    client("dynamodb").put_item(TableName="imagesite-configuration", Item=configuration)
    for item in metadata:
        client("dynamodb").put_item(TableName="imagesite-metadata", Item=item)
    assert walk(backup(old, file)) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    new = make_site()
    assert walk(restore(new, file)) == 0
    alice, bob = (user(pool_of(new), f"{name}@example.org") for name in ("alice", "bob"))
    assert alice["sub"] != sub
    assert (alice["groups"], alice["enabled"], alice["email_verified"]) == (["staff"], True, "true")
    assert (bob["groups"], bob["enabled"]) == ([], False)
    # In any other state, Cognito does not allow a password reset.
    assert (alice["status"], bob["status"]) == ("CONFIRMED", "CONFIRMED")
    restored = member_of(worker(new).database, "rows.jsonl")
    lines = [json.loads(line) for line in restored.splitlines()]
    assert [line["fields"]["sub"] for line in lines] == [alice["sub"], None, sub]
    assert items("imagesite-configuration") == [configuration]
    assert sorted(items("imagesite-metadata"), key=str) == sorted(metadata, key=str)
    # No copy is left on this machine or in the bucket.
    assert not (old.build / "backup").exists()
    assert not (new.build / "backup").exists()
    assert "Versions" not in client("s3").list_object_versions(Bucket=bucket("deployment"), Prefix="backup/")


@pytest.mark.parametrize("kind", "aA1-")
def test_random_passwords_satisfy_every_pool(
    make_site: Callable[[], Deployment], monkeypatch: pytest.MonkeyPatch, kind: str, tmp_path: Path
) -> None:
    """Whatever random letters it contains."""
    site = make_site()
    site.fetch_settings()
    policy = {f"Require{what}": True for what in ("Lowercase", "Uppercase", "Numbers", "Symbols")}
    client("cognito-idp").update_user_pool(
        UserPoolId=pool_of(site), Policies={"PasswordPolicy": {"MinimumLength": 12, **policy}}
    )
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: 43 * kind)
    email = "alice@example.org"
    Backup(site, tmp_path / "site.tar").restore_user(email, {"email": email})
    assert user(pool_of(site), email)["status"] == "CONFIRMED"


def test_existing_users_are_unchanged(make_site: Callable[[], Deployment], tmp_path: Path) -> None:
    site, file = make_site(), tmp_path / "site.tar"
    site.fetch_settings()
    sub = add_user(pool_of(site), "alice@example.org")
    worker(site).database = tar_of(rows__jsonl=rows(sub))
    assert walk(backup(site, file)) == 0
    assert walk(restore(site, file)) == 0
    assert user(pool_of(site), "alice@example.org")["sub"] == sub
    assert member_of(worker(site).database, "rows.jsonl") == rows(sub)


def test_an_interrupted_restore_continues(
    make_site: Callable[[], Deployment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, file = make_site(), tmp_path / "site.tar"
    old.fetch_settings()
    add_user(pool_of(old), "alice@example.org", staff=True)
    worker(old).database = tar_of(rows__jsonl=rows("x"))
    assert walk(backup(old, file)) == 0
    new = make_site()
    broken = ClientError(
        {"Error": {"Code": "TooManyRequestsException", "Message": "slow"}}, "AdminSetUserPassword"
    )
    with monkeypatch.context() as patch:
        patch.setattr(Backup, "cognito", client("cognito-idp"))
        patch.setattr(
            Backup.cognito, "admin_set_user_password", lambda **named: (_ for _ in ()).throw(broken)
        )
        assert walk(restore(new, file)) == 1
    assert walk(restore(new, file)) == 0
    assert user(pool_of(new), "alice@example.org")["status"] == "CONFIRMED"
    assert user(pool_of(new), "alice@example.org")["groups"] == ["staff"]


def test_throttled_items_are_retried_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    answers = [{"table": ["a", "b"]}, {"table": ["b"]}] + [{"table": ["b"]}] * 8 + [{}]
    sent = []

    class Throttled:
        def batch_write_item(self, RequestItems: Any) -> Any:
            sent.append(RequestItems)
            return {"UnprocessedItems": answers.pop(0)}

    write(Throttled(), {"table": ["a", "b", "c"]})
    assert sent[:3] == [{"table": ["a", "b", "c"]}, {"table": ["a", "b"]}, {"table": ["b"]}]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5]


def test_a_used_site_is_not_changed(
    make_site: Callable[[], Deployment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, file = make_site(), tmp_path / "site.tar"
    site.fetch_settings()
    add_user(pool_of(site), "alice@example.org")
    assert walk(backup(site, file)) == 0
    new = make_site()
    worker(new).used = True
    assert walk(restore(new, file)) == 1
    assert "deploy one under a new PROJECT" in capsys.readouterr().err
    assert client("cognito-idp").list_users(UserPoolId=pool_of(new))["Users"] == []


def test_an_existing_file_is_not_overwritten(make_site: Callable[[], Deployment], tmp_path: Path) -> None:
    (tmp_path / "site.tar").write_text("the one before")
    assert walk(backup(make_site(), tmp_path / "site.tar")) == 1
    assert (tmp_path / "site.tar").read_text() == "the one before"


def test_a_file_that_cannot_be_written_is_reported(
    make_site: Callable[[], Deployment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(backup(make_site(), tmp_path / "nowhere" / "site.tar")) == 1
    assert "site.tar could not be written: No such file or directory." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no tar at all", "not a backup, or is damaged"),
        (tar_of(database__tar=b"", users__jsonl=b""), "its end is missing"),
        (tar_of(**{"../x": b""}), r"it contains \.\./x"),
        (tar_of(uploads=b"", backup__json=b"{}"), "not a backup of a site in the cloud: it contains uploads"),
        (tar_of(backup__json=b'{"version": 2}'), "newer version"),
        (None, "No such file"),
    ],
    ids=["no tar", "cut short", "outside", "of a site at home", "newer", "missing"],
)
def test_an_incomplete_backup_is_refused_before_anything_changes(
    make_site: Callable[[], Deployment], tmp_path: Path, content: bytes | None, message: str
) -> None:
    site, file = make_site(), tmp_path / "site.tar"
    site.fetch_settings()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DeployError, match=message):
        Backup(site, file).read_file()


def test_without_a_file_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["backup"])
    assert "make backup FILE=site.tar" in capsys.readouterr().err
