"""One running site for the clients of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server import Server

TOKENS = """
from imagesite.accounts.models import ApiToken, User
print(ApiToken.issue(User.objects.create_user("you@example.org"), "program")[1])
"""
LEFT = """
import django
django.setup()
from converter.models import Batch
print(Batch.objects.count())
"""


@dataclass
class Site:
    server: Server
    token: str

    @property
    def url(self) -> str:
        return self.server.url

    def batches(self) -> int:
        return int(self.server.run("-c", LEFT))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Path) -> Iterator[Site]:
    with Server(tmp_path_factory.mktemp("clients") / "data", like=new_site) as server:
        server.environment["OUTBOUND_ALLOWED"] = "127.0.0.1/32"
        token = server.python(TOKENS)
        server.start()
        yield Site(server, token)
