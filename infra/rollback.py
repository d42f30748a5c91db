"""Restore the code that ran before the last deploy.

`zappa rollback` is not used: it uploads the zip directly to Lambda, which accepts only 50 MB that way, and if
it is repeated after a failure, it restores the code that was to be replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.errors import DeployError

STAGES = ("production", "production_worker")  # pages first, since visitors wait for them
BACK = "Back to version "  # description of the version that a rollback publishes, by which it is recognised


@dataclass
class Rollback:
    aws: Callable[[str], Any]
    fetch: Callable[[str], bytes]
    bucket: str  # for deployment: Lambda gets code through S3

    def run(self, functions: dict[str, str]) -> None:
        """Roll back the function of each stage. Raises DeployError; can be run again to continue."""
        versions = {stage: self.versions(functions[stage]) for stage in STAGES}
        worker, pages = versions["production_worker"][0], versions["production"][0]
        for stage in STAGES:
            newest = versions[stage][0]
            if newest["Description"].startswith(BACK):
                print(f"{functions[stage]} already runs the code from before the last deploy")
            elif stage == "production" and pages["LastModified"] < worker["LastModified"]:
                print(f"{functions[stage]} is unchanged: the last deploy stopped before it")
            else:
                self.bring_back(functions[stage], versions[stage])

    def versions(self, function: str) -> list[dict[str, Any]]:
        """Return the published versions, newest first."""
        pages = self.aws("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=function)
        found = [one for page in pages for one in page["Versions"] if one["Version"] != "$LATEST"]
        if len(found) < 2:
            raise DeployError(f"{function} has no code from before the last deploy")
        return sorted(found, key=lambda one: int(one["Version"]), reverse=True)

    def bring_back(self, function: str, versions: list[dict[str, Any]]) -> None:
        client, s3 = self.aws("lambda"), self.aws("s3")
        before = versions[1]["Version"]
        code = client.get_function(FunctionName=function, Qualifier=before)["Code"]["Location"]
        where = {"Bucket": self.bucket, "Key": f"{function}-{secrets.token_hex(8)}.zip"}
        s3.put_object(**where, Body=self.fetch(code))
        try:
            client.update_function_code(FunctionName=function, S3Bucket=where["Bucket"], S3Key=where["Key"])
            client.get_waiter("function_updated_v2").wait(FunctionName=function)
            client.publish_version(FunctionName=function, Description=f"{BACK}{before}")
        finally:
            s3.delete_object(**where)
        print(f"{function} runs version {before} again")
