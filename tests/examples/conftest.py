"""An example keeps its database open until the process ends; a test closes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores


@pytest.fixture(autouse=True)
def _the_stores_of_an_example_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    opened: list[SQLStores] = []
    initialize = SQLStores.__init__

    def remembering(stores: SQLStores, *args: Any, **kwargs: Any) -> None:
        initialize(stores, *args, **kwargs)
        opened.append(stores)

    monkeypatch.setattr(SQLStores, "__init__", remembering)
    yield
    for stores in opened:
        stores.close()
