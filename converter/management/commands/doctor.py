from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from converter import engine, sandbox
from converter.engine import raster

PREFIX = "uploads/"
MOST_POLICY_BYTES = 20_480
LEAST_FREE_BYTES = 10**9
SECRETS = {"SECRET_KEY", "DATABASE_URL", "ORIGIN_SECRETS", "CLOUDFRONT_PRIVATE_KEY"}


class Unwell(Exception):
    """A check failed; the text says what to do."""


class Command(BaseCommand):
    help = "Check the configuration and its services. In the cloud, also remove surplus permissions left by Zappa."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = 0
        for check in CLOUD if settings.IN_CLOUD else HOME:
            try:
                text = check()
            except Unwell as unwell:
                problems += 1
                self.stdout.write(f"problem  {_name(check)}: {unwell}", self.style.ERROR)
            else:
                self.stdout.write(f"ok       {_name(check)}: {text}")
        if problems:
            raise CommandError("1 check failed." if problems == 1 else f"{problems} checks failed.")


def _name(check: Callable[[], str]) -> str:
    return check.__name__.strip("_").replace("_", " ")


# --- At home ------------------------------------------------------------------------------------------------


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as exc:
        raise Unwell(f"not responding ({type(exc).__name__}); check DATABASE_URL.") from exc
    if missing:
        raise Unwell(f"{len(missing)} unapplied migrations; run `manage.py migrate`.")
    return f"{connection.vendor}, all migrations applied"


def _data_folder() -> str:
    try:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        probe = settings.DATA_DIR / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
        free = shutil.disk_usage(settings.DATA_DIR).free
    except OSError as exc:
        raise Unwell(f"{settings.DATA_DIR} is not writable ({exc.strerror}); set DATA_DIR.") from exc
    if free < LEAST_FREE_BYTES:
        raise Unwell(f"{settings.DATA_DIR} has only {free / 10**9:.1f} GB free.")
    return f"{settings.DATA_DIR}, {free / 10**9:.0f} GB free"


def _engine() -> str:
    try:
        problems = raster.check()
    except Exception as exc:
        raise Unwell(f"{exc}; reinstall the dependencies.") from exc
    if problems:
        raise Unwell(f"{' '.join(problems)} Reinstall the dependencies.")
    notes = [f"{'':<9}{note}" for note in raster.notes()]
    return "\n".join([f"{len(engine.FORMATS)} formats", *map(_row, raster.libraries()), *notes])


def _sandbox() -> str:
    missing = sandbox.missing_layers()
    rows = [
        f"{'':<9}{layer:<14}{'missing: ' + missing[layer] if layer in missing else holds}"
        for layer, holds in sandbox.LAYERS.items()
    ]
    if missing and settings.CONVERTER_SANDBOX_REQUIRED:
        raise Unwell("\n".join(["SANDBOX_REQUIRED is on, and this system lacks a layer.", *rows]))
    return "\n".join([f"{len(rows) - len(missing)} of {len(rows)} layers", *rows])


def _row(library: raster.Library) -> str:
    lowest = f"at least {library.lowest}" if library.lowest else ""
    return f"{'':<9}{library.name:<14}{library.version or '?':<9}{lowest}".rstrip()


# --- In the cloud -------------------------------------------------------------------------------------------


def _calls(service: str) -> Any:
    return boto3.client(service, region_name=settings.REGION)  # type: ignore[call-overload]


def _worker() -> dict[str, Any]:
    name = settings.CONVERTER_WORKER_FUNCTION
    try:
        found: dict[str, Any] = _calls("lambda").get_function_configuration(FunctionName=name)
    except (ClientError, BotoCoreError) as exc:
        raise Unwell(f"{name} not found ({_code(exc)}); run `zappa deploy production_worker`.") from exc
    return found


def _upload_event() -> str:
    """Check that S3 calls the worker: Zappa reports success even if it could not register the event."""
    worker, bucket = _worker()["FunctionArn"], settings.UPLOADS_BUCKET
    try:
        found = _calls("s3").get_bucket_notification_configuration(Bucket=bucket)
    except (ClientError, BotoCoreError) as exc:
        raise Unwell(f"{bucket} cannot be read ({_code(exc)}).") from exc
    events = found.get("LambdaFunctionConfigurations", [])
    ours = [event for event in events if _same_function(event["LambdaFunctionArn"], worker)]
    if len(ours) != 1:
        raise Unwell(
            f"{bucket} has {len(ours)} events for the worker instead of one; run `zappa schedule production_worker`."
        )
    rules = ours[0].get("Filter", {}).get("Key", {}).get("FilterRules", [])
    if [(rule["Name"].lower(), rule["Value"]) for rule in rules] != [("prefix", PREFIX)]:
        raise Unwell(f"the event is not limited to {PREFIX}; check `prefix` in zappa_settings.json.")
    if len(events) > 1:
        raise Unwell(f"{bucket} also calls {len(events) - 1} other functions.")
    return f"{bucket}/{PREFIX} calls the worker"


def _permissions() -> str:
    """Remove surplus policy statements: each `zappa update` adds one, and about sixty reach the 20 KB limit.

    One with the account number is kept: it excludes other accounts' buckets of the same name.
    """
    name, calls = settings.CONVERTER_WORKER_FUNCTION, _calls("lambda")
    arn = f"arn:aws:s3:::{settings.UPLOADS_BUCKET}"
    try:
        statements = json.loads(calls.get_policy(FunctionName=name)["Policy"])["Statement"]
        from_s3 = [statement for statement in statements if _service(statement) == "s3.amazonaws.com"]
        guarded = [s for s in from_s3 if _source(s) == arn and "aws:sourceaccount" in json.dumps(s).lower()]
        if not guarded:
            raise Unwell(
                f"S3 is not allowed to call the worker for {arn}; run `zappa schedule production_worker`."
            )
        superfluous = [statement["Sid"] for statement in from_s3 if statement is not guarded[-1]]
        for sid in superfluous:
            calls.remove_permission(FunctionName=name, StatementId=sid)
        size = len(calls.get_policy(FunctionName=name)["Policy"])
    except (ClientError, BotoCoreError) as exc:
        raise Unwell(f"{name} has no readable policy ({_code(exc)}).") from exc
    if size > MOST_POLICY_BYTES / 2:
        raise Unwell(f"the policy uses {size} of {MOST_POLICY_BYTES} bytes.")
    return f"S3 can call the worker; {len(superfluous)} surplus statements removed"


def _clock() -> str:
    worker = _worker()["FunctionArn"]
    try:
        rules = _calls("events").list_rule_names_by_target(TargetArn=worker)["RuleNames"]
    except (ClientError, BotoCoreError) as exc:
        raise Unwell(f"the schedule cannot be read ({_code(exc)}).") from exc
    if not any(rule.endswith("converter.events.clock.sweep") for rule in rules):
        raise Unwell("the sweep is not scheduled; run `zappa schedule production_worker`.")
    return "the sweep is scheduled"


def _environment() -> str:
    names = set(_worker().get("Environment", {}).get("Variables", {}))
    if bare := sorted(names & SECRETS):
        raise Unwell(
            f"{', '.join(bare)} are readable in the function's environment; move them to SECRETS_PATH."
        )
    return "no secrets in the environment"


def _static_files() -> str:
    bucket = settings.STATIC_BUCKET
    try:
        found = _calls("s3").list_objects_v2(Bucket=bucket, Prefix="static/", MaxKeys=1)
    except (ClientError, BotoCoreError) as exc:
        raise Unwell(f"{bucket} cannot be listed ({_code(exc)}).") from exc
    if not found.get("KeyCount"):
        raise Unwell(f"{bucket} is empty; run `manage.py collectstatic`.")
    return f"found in {bucket}"


def _service(statement: dict[str, Any]) -> str:
    principal = statement.get("Principal", {})
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


def _source(statement: dict[str, Any]) -> str:
    for operator in ("ArnLike", "ArnEquals", "StringEquals"):
        for key, value in statement.get("Condition", {}).get(operator, {}).items():
            if key.lower() == "aws:sourcearn":
                return str(value)
    return ""


def _same_function(one: str, other: str) -> bool:
    """Return whether two ARNs name the same function, ignoring version and alias."""
    return one.split(":")[:7] == other.split(":")[:7]


def _code(exc: ClientError | BotoCoreError) -> str:
    return str(exc.response["Error"]["Code"]) if isinstance(exc, ClientError) else type(exc).__name__


HOME: list[Callable[[], str]] = [_database, _data_folder, _engine, _sandbox]
CLOUD: list[Callable[[], str]] = [_engine, _environment, _upload_event, _permissions, _clock, _static_files]
