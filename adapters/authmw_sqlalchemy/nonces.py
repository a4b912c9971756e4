"""Nonces in SQL, and other values that may be used only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, case, cast, select

from authmw.flow.clocks import now
from authmw.stores.records import NonceUse
from authmw_sqlalchemy.base import Store, as_key
from authmw_sqlalchemy.statements import Database, Query, Row
from authmw_sqlalchemy.tables import nonces


def _use(insert: Callable[[Table], Any]) -> Any:
    # An expired nonce may have been used and pruned already, so it is never fresh.
    given = select(
        *(cast(bindparam(column.name), column.type) for column in nonces.c),
    ).where(bindparam("expires_at", type_=nonces.c.expires_at.type) > bindparam("now"))
    statement = insert(nonces).from_select(list(nonces.c), given)
    newer, expires_at = statement.excluded, nonces.c.expires_at
    return statement.on_conflict_do_update(
        index_elements=[nonces.c.nonce],
        set_={
            "count": newer["count"],
            "expires_at": case((expires_at > newer.expires_at, expires_at), else_=newer.expires_at),
        },
        where=nonces.c.count < newer["count"],
    ).returning(nonces.c.nonce)


_USE = Query(_use, "nonce", "count", "expires_at", "now")


class SQLNonces(Store):
    """The counts of Digest nonces, and the ``jti`` of assertions (`NonceStore`).

    Args:
        database: the database of the records.
        clock: seconds since the epoch.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = now) -> None:
        super().__init__(database)
        self._clock = clock

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        """Use `count` of `nonce`: FRESH once, for a count above all used before, else REPLAYED."""
        return self._database.write(_USE, (as_key(nonce), count, expires_at, self._clock()), _outcome)


def _outcome(rows: Sequence[Row]) -> NonceUse:
    return NonceUse.FRESH if rows else NonceUse.REPLAYED
