"""For every test: neither the configuration nor the load of the machine decides it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from authmw.stores.revocation_feed import RevocationFeed
from tests import support

pytest_plugins = ["authmw.testing.plugin"]

# How long an example takes says how busy the machine is.
settings.register_profile("authmw", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# A fifth of the examples: where all of them are taken on another version of Python.
settings.register_profile("fewer", settings.get_profile("authmw"), max_examples=20)
settings.load_profile("authmw")

gc.disable()  # until all tests are collected: what collecting makes stays, and each search would go through all of it


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run in process, and refuse names that pytest-xdist could not hand out.

    Raises:
        pytest.UsageError: the name of a test differs from process to process.
    """
    moving = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if moving:
        raise pytest.UsageError("give these parameters ids:\n" + "\n".join(moving))
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in support.TIERS):
            item.add_marker("in_process")
        if is_hypothesis_test(getattr(item, "obj", None)):
            # A hundred examples would take twice as long, and run the lines that other tests run too.
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Leave what is there by now out of every later search for garbage: it stays, and is large."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell `support.require` what kind of test asks."""
    support.running.in_process = item.get_closest_marker("in_process") is not None


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AUTHMW_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_feed_outlives_its_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its thread would go on to read a store that is gone, and tell so in the log of another test."""
    started: list[RevocationFeed] = []
    start = RevocationFeed._start  # pyright: ignore[reportPrivateUsage]

    def noted(feed: RevocationFeed) -> None:
        started.append(feed)
        start(feed)

    monkeypatch.setattr(RevocationFeed, "_start", noted)
    yield
    for feed in started:
        feed.close()
