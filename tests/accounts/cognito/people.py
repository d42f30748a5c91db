"""Actions of users on the account pages."""

from __future__ import annotations

import time
from typing import Any

from django.test import Client

from imagesite.accounts.cognito import backend

PASSWORD = "Correct horse 1 battery"
NEW = "Another horse 2 battery"
PAGE = "/accounts/"


def log_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"email": email, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def grow_old(client: Client) -> None:
    """Make the access token expire."""
    session = client.session
    session[backend.SESSION_KEY] = {**session[backend.SESSION_KEY], "until": time.time() - 1}
    session.save()
