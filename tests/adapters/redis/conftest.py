"""Stores in Redis with keys of their own, and a server that a test may stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from authmw_redis import RedisStores

from tests.adapters.patience import patience
from tests.adapters.redis.support import RedisServer, stores


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    with patience():
        yield


@pytest.fixture
def kept() -> Iterator[RedisStores]:
    with stores() as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, "save", "", "appendonly", "yes") as started:
        yield started
