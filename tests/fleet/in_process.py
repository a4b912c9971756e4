"""The service of a fleet in a process of the tests, asked without a server."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext

from authmw.crypto.keyring import KeyRing
from authmw.oauth2.lifetimes import Lifetimes
from tests.fleet.settings import Settings
from tests.oauth2.asking import Bench


@contextmanager
def in_process(settings: Settings) -> Generator[Bench]:
    """The service by its WSGI application, until the block ends."""
    keys = None if settings.keys is None else KeyRing.load(settings.keys)
    with settings.opened() as stores:
        yield Bench(stores=stores, keys=keys, lifetimes=Lifetimes(grace=settings.grace), clock=time.time, throttle=None)


def fresh_processes() -> ForkServerContext:
    """Processes that have imported everything and begun nothing: no thread, lock or connection of ours."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
