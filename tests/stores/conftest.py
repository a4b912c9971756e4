"""Each store of ours, empty, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from authmw_sqlalchemy import SQLStores

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.stores import MemoryStores
from tests.stores.support import Clock, Stores


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Stores]:
    hasher = PasswordHasher(CHEAPEST)
    if request.param == "memory":
        yield MemoryStores(hasher=hasher, clock=clock)
        return
    with closing(SQLStores(f"sqlite:///{tmp_path / 'app.db'}", hasher=hasher, clock=clock)) as stores:
        yield stores
