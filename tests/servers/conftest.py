"""Servers that run until the session ends: one of each kind and application, for all tests that talk to it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.servers.running import SERVERS, Serve, running


@pytest.fixture(scope="session")
def serve() -> Generator[Serve]:
    """Start a server the first time that it is asked for."""
    with ExitStack() as stack:

        @cache
        def port_of(server: str, module: str) -> int:
            return stack.enter_context(running(server, f"{module}:{SERVERS[server][0]}"))

        yield port_of
