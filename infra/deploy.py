"""Deploy a site to an AWS account, update it, back it up, or remove it.

    python -m infra.deploy up      # or: make deploy
    python -m infra.deploy code    # or: make deploy-code, with permissions for code only
    python -m infra.deploy down    # or: make destroy
    python -m infra.deploy check | rotate | rollback    # or: make preflight, rotate, rollback
    python -m infra.deploy backup | restore FILE    # or: make backup FILE=site.tar, make restore FILE=site.tar

All steps can be repeated. After a failure the program stops and prints what to do; run the same command again to
continue. The environment variables PROJECT and AWS_REGION select the site. Its settings are in infra/PROJECT.tfvars and
its build files in build/PROJECT, so one checkout can deploy several sites. The credentials are those of the AWS CLI.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.backup import Backup
from infra.deployment import Deployment
from infra.errors import DeployError
from infra.watch import Watch


@dataclass(frozen=True)
class Step:
    name: str
    act: Callable[[], None]
    advice: str


def check(site: Deployment) -> list[Step]:
    return [
        who_and_where(site),
        Step("preflight", site.preflight, "Fix the problem in each line that is not `ok`."),
    ]


def rotate(site: Deployment) -> list[Step]:
    """Take the next of three steps of a key rotation, unless the last one is unfinished, then deploy it."""
    return [
        who_and_where(site),
        Step("keys", site.rotate_keys, "The account must allow you to write an SSM parameter."),
        *up(site)[2:],
    ]


def rollback(site: Deployment) -> list[Step]:
    return [
        who_and_where(site),
        deployed_settings(site),
        Step(
            "code",
            site.roll_back,
            "Read Zappa's message; `aws lambda list-versions-by-function` lists the available versions.",
        ),
        Step("answer", site.wait_for_site, "See the log groups of both functions."),
    ]


def backup(site: Deployment, file: Path) -> list[Step]:
    """Write the site's data to a file. The site keeps running."""
    act = Backup(site, file)
    return [
        who_and_where(site),
        deployed_settings(site),
        Step("start", act.start, "Choose another file: make backup FILE=…."),
        Step(
            "database",
            act.take_database,
            "A paused database takes 15 seconds to wake; run it again. Logs: `zappa tail production_worker`.",
        ),
        Step("tables", act.take_tables, "You must be allowed to read both DynamoDB tables."),
        Step("users", act.take_users, "You must be allowed to list the users of the user pool."),
        Step("file", act.write_file, "The disk may be full."),
    ]


def restore(site: Deployment, file: Path) -> list[Step]:
    """Restore a backup into a new, unused site. The rows come last, since a site with rows counts as used."""
    act = Backup(site, file)
    return [
        who_and_where(site),
        deployed_settings(site),
        Step("file", act.read_file, "Use a file written by `make backup`."),
        Step(
            "new site",
            act.refuse_a_used_site,
            "Restore into an unused site: deploy one under a new PROJECT. To restore earlier data on this site, "
            "see the table of backups in docs/deploy.md. A paused database takes 15 seconds to wake.",
        ),
        Step("users", act.restore_users, "You must be allowed to create users in the user pool."),
        Step("tables", act.restore_tables, "You must be allowed to write to both DynamoDB tables."),
        Step(
            "database",
            act.restore_database,
            "See the message above. Nothing was written to the database.",
        ),
    ]


def up(site: Deployment) -> list[Step]:
    return [
        *check(site),
        Step("state bucket", site.make_state_bucket, "The account must allow you to create an S3 bucket."),
        Step("secrets", site.fetch_secrets, "The account must allow you to write an SSM parameter."),
        Step(
            "database role",
            site.make_database_role,
            "The account must allow you to create a service-linked role.",
        ),
        Step("terraform init", site.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."),
        Step(
            "infrastructure",
            site.terraform_apply,
            f"Read Terraform's last message; the settings are in infra/{site.project}.tfvars.",
        ),
        Step("settings", site.write_settings, "Run `terraform output` in infra/ to see what is missing."),
        *deploy_code(site),
        Step("join", site.terraform_join, "Read Terraform's last message."),
        *look_whether_it_works(site),
        Step("record", site.note_secrets, "The account must allow you to label an SSM parameter."),
    ]


def code(site: Deployment) -> list[Step]:
    """Deploy only the code, without Terraform. The deployer role may do this."""
    guard = Watch(site)
    return [
        who_and_where(site),
        Step(
            "settings",
            site.fetch_settings,
            "An administrator of the account must run `make deploy` first.",
        ),
        Step("alarms", guard.note, "You must be allowed to describe the alarms."),
        *deploy_code(site),
        *look_whether_it_works(site, guard.wait_for_answer),
        Step("watch", guard.watch, "Query *errors* in Logs Insights, fix the code and deploy again."),
    ]


def who_and_where(site: Deployment) -> Step:
    return Step(
        "credentials",
        site.greet,
        "Log in with `aws sso login`, or set AWS_PROFILE. Terraform does not support sessions of `aws login`.",
    )


def deployed_settings(site: Deployment) -> Step:
    return Step(
        "settings", site.fetch_settings, "Nothing is deployed for this PROJECT and region: run `make deploy`."
    )


def deploy_code(site: Deployment) -> list[Step]:
    return [
        Step("package", site.make_package, "Read the message; `make package` builds only the package."),
        Step(
            "static files",
            site.publish_static_files,
            "You must be allowed to write to the static bucket.",
        ),
        Step("worker", site.deploy_worker, "Read Zappa's message; logs: `zappa tail production_worker`."),
        Step(
            "database",
            site.migrate,
            "A paused database takes 15 seconds to wake; run it again. Logs: `zappa tail production_worker`.",
        ),
        Step("pages", site.deploy_pages, "Read Zappa's message; logs: `zappa tail production`."),
    ]


def look_whether_it_works(site: Deployment, wait: Callable[[], None] | None = None) -> list[Step]:
    return [
        Step("doctor", site.consult_doctor, "Each line that is not `ok` says what is wrong."),
        Step(
            "answer",
            wait or site.wait_for_site,
            "CloudFront takes some minutes to deploy; after that, see the runbook in docs/deploy.md.",
        ),
    ]


def down(site: Deployment) -> list[Step]:
    return [
        who_and_where(site),
        Step("consent", site.ask_consent, "Nothing was changed."),
        Step("state bucket", site.make_state_bucket, "The account must allow you to read its S3 buckets."),
        Step("secrets", site.fetch_secrets, "The account must allow you to read an SSM parameter."),
        Step("terraform init", site.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."),
        Step("keys of the API", site.take_keys_off, "Read Terraform's last message."),
        Step(
            "functions",
            site.undeploy_functions,
            "Read Zappa's message; the functions must be removed before their buckets.",
        ),
        Step("unguard", site.allow_data_loss, "Read Terraform's last message."),
        Step(
            "infrastructure",
            site.terraform_destroy,
            "Network interfaces of functions may remain for 40 minutes; run it again later.",
        ),
        Step("leftovers", site.delete_leftovers, "Only the state bucket and an SSM parameter are left."),
    ]


def walk(steps: Sequence[Step]) -> int:
    """Run the steps in order. Return 0, or 1 after printing what to do about the first that fails."""
    for number, step in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {step.name}", flush=True)
        try:
            step.act()
        except (DeployError, ClientError, BotoCoreError) as error:
            print(f"\nStopped at step {number}, {step.name}: {error}", file=sys.stderr)
            print(f"What to do: {advice_for(error, step.advice)}", file=sys.stderr)
            print("Then run the same command again to continue.", file=sys.stderr)
            return 1
    return 0


def advice_for(error: Exception, advice: str) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return "Your session has expired; log in again."
    return advice


FILE_WAYS = {"backup": backup, "restore": restore}
WAYS = {"check": check, "up": up, "code": code, "rotate": rotate, "rollback": rollback, "down": down}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("way", choices=[*WAYS, *FILE_WAYS])
    parser.add_argument("file", nargs="?", type=Path, help="the backup file")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation, for pipelines")
    chosen = parser.parse_args(arguments)
    deployment = Deployment(
        project=os.environ.get("PROJECT", "imagesite"),
        region=os.environ.get("AWS_REGION", "eu-west-1"),
        ask=not chosen.yes,
    )
    if chosen.way in WAYS:
        return walk(WAYS[chosen.way](deployment))
    if chosen.file is None:
        parser.error(f"the file is missing: make {chosen.way} FILE=site.tar")
    return walk(FILE_WAYS[chosen.way](deployment, chosen.file.absolute()))


if __name__ == "__main__":
    sys.exit(main())
