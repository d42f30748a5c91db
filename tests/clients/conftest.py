"""An account on the running site for the client tests."""

from __future__ import annotations

import pytest

from tests.server import Account


@pytest.fixture(scope="session")
def site(running_site: dict[str, Account]) -> Account:
    return running_site["client"]
