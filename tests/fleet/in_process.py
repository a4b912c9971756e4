"""The service of a fleet in this process, asked without a server."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from authmw.keys import KeyRing
from tests.fleet.settings import Settings
from tests.oauth2.asking import Bench


@contextmanager
def in_process(settings: Settings) -> Generator[Bench]:
    """The service by its WSGI application, until the block ends."""
    keys = None if settings.keys is None else KeyRing.load(settings.keys)
    with settings.opened() as stores:
        yield Bench(stores=stores, keys=keys, grace=settings.grace, clock=time.time, throttle=None)
