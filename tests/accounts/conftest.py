from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


def text(response: Any) -> str:
    content: str = response.content.decode()
    return content


@pytest.fixture
def page(alice: Any) -> Client:
    """Return Alice's browser, logged in."""
    client = Client()
    client.force_login(alice)
    return client
