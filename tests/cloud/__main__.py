"""Start the whole AWS system on this machine for manual use: `make cloud`."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path

from infra import package
from tests.cloud import cognito
from tests.cloud.interpreter import make_package
from tests.cloud.stack import Stack

EMAIL, PASSWORD = "staff@example.org", "Correct horse 1 battery"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="cloud-"))
    stack = None
    try:
        print("Packaging …", flush=True)
        make_package(package.BUILD)
        stack = Stack(folder, package.BUILD)
        print("Deploying with Zappa to a mock AWS; this takes a minute or two …", flush=True)
        stack.make_what_terraform_makes()
        stack.deploy()
        stack.add_person(EMAIL, PASSWORD, staff=True)
        print(f"\n  Open      {stack.site}\n  Log in    {EMAIL}\n  Password  {PASSWORD}")
        print(
            f"  Codes in mails are always {cognito.CODE}. Ctrl-C ends it and leaves nothing behind.",
            flush=True,
        )
        signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        print("Cleaning up …", flush=True)
        try:
            if stack:
                stack.close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
