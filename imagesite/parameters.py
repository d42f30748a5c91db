"""Secrets from AWS Systems Manager: one parameter a setting, under the path of the function that reads them."""

from __future__ import annotations

import boto3
from botocore.config import Config


def read(path: str) -> dict[str, str]:
    """Return the values below `path` by the last part of their names.

    They are handed to the settings and not put into the environment, which every child process inherits.
    """
    client = boto3.client(
        "ssm",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=5
        ),
    )
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    return {
        parameter["Name"].rpartition("/")[2]: parameter["Value"]
        for page in pages
        for parameter in page["Parameters"]
    }
