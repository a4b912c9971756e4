"""Base class of the SQL stores, and the text form of the values in their columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import partial, update_wrapper
from typing import ClassVar, Final

from authmw.flow.call_mode import CallMode
from authmw_sqlalchemy.schema import check
from authmw_sqlalchemy.statements import Database

_LONGEST_KEY: Final = 512
"""Characters. PostgreSQL indexes no text of more than about 2,700 bytes."""


class Store:
    """A store in SQL.

    Args:
        database: the database of the records.
    """

    _LOOKUPS: ClassVar[tuple[str, ...]] = ()
    """The methods that only read. They may be called on an event loop if the database reads without blocking."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if database.read_mode is CallMode.ASYNC:
            CallMode.ASYNC(self)
        elif database.read_mode is CallMode.NONBLOCKING:
            for name in self._LOOKUPS:
                method = getattr(self, name)
                setattr(self, name, CallMode.NONBLOCKING(update_wrapper(partial(method), method)))

    def check_tables(self) -> list[str]:
        """A sentence for each thing that is missing in the tables, as `authmw_sqlalchemy.check` says it.

        Raises:
            StoreUnavailable: the database failed.
        """
        return check(self._database.location)


def text(words: Iterable[str]) -> str:
    """Scopes as stored text: sorted, separated by spaces (RFC 6749 §3.3)."""
    return " ".join(sorted(words))


def listed(words: Iterable[str]) -> str:
    """Words that may hold spaces, as stored text: a sorted JSON array."""
    return json.dumps(sorted(words))


def unlisted(kept: str) -> frozenset[str]:
    """The words in a text of `listed`."""
    return frozenset(json.loads(kept)) if kept != "[]" else frozenset()


def as_key(given: str) -> str:
    r"""`given`, or its digest if a database may not be able to index it: it may come from any client.

    >>> as_key("account:alice"), as_key("a\0b")[:11]
    ('account:alice', 'sha-256:59b')
    """
    if len(given) <= _LONGEST_KEY and given.isprintable() and not given.startswith("sha-256:"):
        return given
    return f"sha-256:{hashlib.sha256(given.encode(errors='surrogatepass')).hexdigest()}"


def as_text(given: str) -> str:
    r"""`given` without the characters that PostgreSQL cannot store in a text.

    >>> as_text("a\0b")
    'ab'
    """
    return given.encode(errors="replace").decode().replace("\0", "")
