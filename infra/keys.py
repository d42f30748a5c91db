"""The secrets of a site: generated once, stored as JSON in an encrypted SSM parameter, passed to Terraform.

Keys of links, sessions and CloudFront's requests are lists. The first value is used and the others are still
accepted, so that keys can be rotated without downtime.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Values = dict[str, Any]


def new() -> Values:
    return {
        **{name: [make()] for name, make in ROTATED.items()},
        "worker_secret_key": secrets.token_urlsafe(50),
        "database_password": secrets.token_hex(24),
        "database_url": None,
    }


def new_link_key() -> dict[str, str]:
    """Return a key that signs download links, and its public half for CloudFront, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"private": private.decode(), "public": public.decode()}


ROTATED = {
    "secret_keys": lambda: secrets.token_urlsafe(50),
    "origin_secrets": lambda: secrets.token_urlsafe(32),
    "link_keys": new_link_key,
}


def rotate(values: Values) -> str:
    """Take the next of three steps of a rotation, for all secrets that are lists. Return a description of it.

    First the new value is added, then it is used while the old one stays valid, then the old one is removed.
    """
    if len(values["origin_secrets"]) == 1:
        for name, make in ROTATED.items():
            values[name].append(make())
        values["used"] = "old"
        return "New keys are added; the old ones are still in use."
    if values["used"] == "old":
        for name in ROTATED:
            values[name].reverse()
        values["used"] = "new"
        return "The new keys are in use; signatures with the old ones are still valid."
    for name in ROTATED:
        del values[name][1:]
    return "The old keys are removed."


def variables(values: Values, version: int) -> dict[str, str]:
    """Return the environment variables that pass the values and their version to Terraform."""
    link_keys = values["link_keys"]
    ephemeral = {
        "web_secret_keys": ",".join(values["secret_keys"]),
        "worker_secret_key": values["worker_secret_key"],
        "origin_secrets": ",".join(values["origin_secrets"]),
        "database_password": values["database_password"],
        "database_url": values["database_url"],
        "cloudfront_private_key": link_keys[0]["private"],
    }
    return {
        "TF_VAR_secrets": json.dumps(ephemeral),
        "TF_VAR_secrets_version": str(version),
        "TF_VAR_origin_secrets": json.dumps(values["origin_secrets"]),
        "TF_VAR_cloudfront_public_keys": json.dumps([key["public"] for key in link_keys]),
    }
