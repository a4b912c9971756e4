"""Table of issued credentials (API keys, opaque tokens), by digest and by id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Generic, TypeVar

from authmw.stores.administration import NotFound
from authmw.stores.memory.sweep import Sweep
from authmw.stores.records import ApiKeyRecord, TokenRecord

R = TypeVar("R", ApiKeyRecord, TokenRecord)


class Issued(Generic[R]):
    """Records by digest and by id. Each method is atomic. Hold `lock` to make several calls atomic.

    Args:
        what: the name of one record in error messages.
        disabled_since: id → time of disabling, of each disabled user or client.
    """

    def __init__(self, what: str, disabled_since: Mapping[str, float]) -> None:
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._what = what
        self._disabled_since = disabled_since
        self._by_digest: dict[str, R] = {}
        self._digests: dict[str, str] = {}
        self._sweep = Sweep()

    def find(self, digest: str, *holders: Callable[[R], str | None]) -> R | None:
        """The record with that digest, or None. While one of its `holders` is disabled, it counts as revoked."""
        record = self._by_digest.get(digest)
        if not self._disabled_since or record is None or record.revoked_at is not None:
            return record
        times = [self._disabled_since.get(holder(record) or "") for holder in holders]
        known = [at for at in times if at is not None]
        return replace(record, revoked_at=min(known)) if known else record

    def get(self, record_id: str) -> R:
        """The record with that id. Raises `NotFound`."""
        with self.lock:
            if record_id not in self._digests:
                raise NotFound(f"there is no {self._what} {record_id!r}")
            return self._by_digest[self._digests[record_id]]

    def keep(self, record: R) -> R:
        """Store a new record, or replace the one with the same id."""
        with self.lock:
            self._digests[record.id] = record.digest
            self._by_digest[record.digest] = record
            return record

    def drop(self, is_over: Callable[[R], bool]) -> None:
        """Drop records for which `is_over` is true, each time the number of records has doubled."""
        with self.lock:
            for record in self._sweep.drop(self._by_digest, is_over):
                del self._digests[record.id]

    def list(self, holder: Callable[[R], str | None], who: str | None) -> tuple[R, ...]:
        """The records whose `holder` is `who`, or all records, oldest first."""
        with self.lock:
            return tuple(each for each in self._by_digest.values() if who is None or holder(each) == who)

    def revoke(self, record_id: str, at: float) -> R:
        """Refuse the record from now on. Raises `NotFound`."""
        with self.lock:
            record = self.get(record_id)
            return record if record.revoked_at is not None else self.keep(replace(record, revoked_at=at))

    def remove_all(self, holder: Callable[[R], str | None], who: str) -> None:
        """Delete all records whose `holder` is `who`."""
        with self.lock:
            for record in self.list(holder, who):
                del self._by_digest[record.digest], self._digests[record.id]

    def revoke_all(self, holder: Callable[[R], str | None], who: str, at: float) -> int:
        """Refuse all records whose `holder` is `who` from now on. Answers how many this changed."""
        with self.lock:
            changed = [each for each in self.list(holder, who) if each.revoked_at is None]
            for record in changed:
                self.keep(replace(record, revoked_at=at))
            return len(changed)
