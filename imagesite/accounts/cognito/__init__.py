"""Accounts in an Amazon Cognito user pool: the twin of `imagesite.accounts.local`."""

from __future__ import annotations

from django.conf import settings


def region() -> str:
    """Return the AWS region of the user pool, the first part of its id."""
    name: str = settings.COGNITO_USER_POOL_ID.partition("_")[0]
    return name
