"""Opener of the stores at a URL, found through the entry point ``authmw.stores``."""

from __future__ import annotations

from typing import Any

from authmw_sqlalchemy.stores import SQLStores
from authmw_sqlalchemy.stores_async import AsyncSQLStores


def open_stores(url: str, /, *, asynchronous: bool, **options: Any) -> SQLStores | AsyncSQLStores:
    """The stores in the database at `url`; for an event loop those of PostgreSQL are asynchronous."""
    if asynchronous and not url.startswith("sqlite"):
        return AsyncSQLStores(url, **options)
    return SQLStores(url, **options)
