"""Walk the whole way from an empty AWS account to a running site, and back to nothing.

    python -m infra.deploy up      # or: make deploy
    python -m infra.deploy code    # or: make deploy-code, if that is all you may do
    python -m infra.deploy down    # or: make destroy
    python -m infra.deploy check | rotate | rollback    # or: make preflight, rotate, rollback
    python -m infra.deploy backup | restore FILE    # or: make backup FILE=site.tar, make restore FILE=site.tar

Every step may be repeated: what is done is not done twice. The walk stops at the first failure and says what to do;
then the same command goes on. PROJECT and AWS_REGION name what and where. Settings of one's own stand in
infra/PROJECT.tfvars, what is made in build/PROJECT: several sites live side by side. Credentials are those of the AWS
command line.
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
        Step("preflight", site.preflight, "Put right what each line that is not `ok` says."),
    ]


def rotate(site: Deployment) -> list[Step]:
    """Take the next of three steps of a key rotation, then deploy it."""
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
            "Read Zappa's message; `aws lambda list-versions-by-function` lists what is kept.",
        ),
        Step("answer", site.wait_for_site, "The log groups of both functions say why."),
    ]


def backup(site: Deployment, file: Path) -> list[Step]:
    """Write the site's data to a file. The site keeps running."""
    act = Backup(site, file)
    return [
        who_and_where(site),
        deployed_settings(site),
        Step("room", act.start, "Name another file: make backup FILE=…."),
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
        Step("file", act.read_file, "Take a file that `make backup` wrote."),
        Step(
            "room",
            act.refuse_a_used_site,
            "Restore into a site that nobody has used: deploy one under a new PROJECT. To go back in time on "
            "this one, see the table of backups in docs/deploy.md. A paused database takes 15 seconds to wake.",
        ),
        Step("users", act.restore_users, "You must be allowed to make users in the user pool."),
        Step("tables", act.restore_tables, "You must be allowed to write to both DynamoDB tables."),
        Step(
            "database",
            act.restore_database,
            "The message above says why. Nothing was written to the database.",
        ),
    ]


def up(site: Deployment) -> list[Step]:
    return [
        *check(site),
        Step("state bucket", site.make_state_bucket, "The account must allow you to make an S3 bucket."),
        Step("secrets", site.fetch_secrets, "The account must allow you to write an SSM parameter."),
        Step("terraform init", site.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."),
        Step(
            "infrastructure",
            site.terraform_apply,
            f"Read Terraform's last message; settings stand in infra/{site.project}.tfvars.",
        ),
        Step("settings", site.write_settings, "Run `terraform output` in infra/ and see what is missing."),
        *deploy_code(site),
        Step("join", site.terraform_join, "Read Terraform's last message."),
        *look_whether_it_works(site),
    ]


def code(site: Deployment) -> list[Step]:
    """Deploy only the code, without Terraform. The deployer role may do this."""
    guard = Watch(site)
    return [
        who_and_where(site),
        Step(
            "settings",
            site.fetch_settings,
            "Somebody who may administer the account runs `make deploy` first.",
        ),
        Step("alarms", guard.note, "You must be allowed to describe the alarms."),
        *deploy_code(site),
        *look_whether_it_works(site, guard.wait_for_answer),
        Step("watch", guard.watch, "Query *errors* in Logs Insights, mend the code and deploy again."),
    ]


def who_and_where(site: Deployment) -> Step:
    return Step(
        "credentials",
        site.greet,
        "Log in with `aws sso login`, or set AWS_PROFILE. Terraform does not know the sessions of `aws login`.",
    )


def deployed_settings(site: Deployment) -> Step:
    return Step(
        "settings", site.fetch_settings, "Nothing was deployed under this PROJECT and region: `make deploy`."
    )


def deploy_code(site: Deployment) -> list[Step]:
    return [
        Step("package", site.make_package, "Read its message; `make package` makes the same alone."),
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
            "CloudFront takes some minutes to spread; then see the runbook in docs/deploy.md.",
        ),
    ]


def down(site: Deployment) -> list[Step]:
    return [
        who_and_where(site),
        Step("consent", site.ask_consent, "Nothing was touched."),
        Step("state bucket", site.make_state_bucket, "The account must allow you to read its S3 buckets."),
        Step("secrets", site.fetch_secrets, "The account must allow you to read an SSM parameter."),
        Step("terraform init", site.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."),
        Step("keys of the API", site.take_keys_off, "Read Terraform's last message."),
        Step(
            "functions",
            site.undeploy_functions,
            "Read Zappa's message; the functions must go before their buckets.",
        ),
        Step("unguard", site.allow_data_loss, "Read Terraform's last message."),
        Step(
            "infrastructure",
            site.terraform_destroy,
            "Network interfaces of functions may stay for 40 minutes; run it again later.",
        ),
        Step("leftovers", site.delete_leftovers, "What is left: the state bucket and one SSM parameter."),
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
            print("Then run the same command again; what is done is not done twice.", file=sys.stderr)
            return 1
    return 0


def advice_for(error: Exception, advice: str) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return "Your session is over; log in again."
    return advice


FILE_WAYS = {"backup": backup, "restore": restore}
WAYS = {"check": check, "up": up, "code": code, "rotate": rotate, "rollback": rollback, "down": down}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("way", choices=[*WAYS, *FILE_WAYS])
    parser.add_argument("file", nargs="?", type=Path, help="of a backup")
    parser.add_argument("--yes", action="store_true", help="ask nothing: for pipelines")
    chosen = parser.parse_args(arguments)
    deployment = Deployment(
        project=os.environ.get("PROJECT", "imagesite"),
        region=os.environ.get("AWS_REGION", "eu-west-1"),
        ask=not chosen.yes,
    )
    if chosen.way in WAYS:
        return walk(WAYS[chosen.way](deployment))
    if chosen.file is None:
        parser.error(f"name the file: make {chosen.way} FILE=site.tar")
    return walk(FILE_WAYS[chosen.way](deployment, chosen.file.absolute()))


if __name__ == "__main__":
    sys.exit(main())
