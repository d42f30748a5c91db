"""Accounts in the site's own database with django.contrib.auth: the twin of `imagesite.accounts.cognito`."""

from __future__ import annotations
