"""Contract of stores of API keys."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.administration import ApiKeyAdmin
from authmw.stores.ports import ApiKeyStore
from authmw.stores.records import ApiKeyRecord
from authmw.testing.contract.base import StoreContract, between_processes


class _Keys(ApiKeyStore, ApiKeyAdmin, Protocol):
    """A store that finds, creates and revokes keys."""


class ApiKeyStoreContract(StoreContract[_Keys]):
    """The contract of `ApiKeyStore`. Its keys are created and revoked by `ApiKeyAdmin`."""

    def add_key(self, owner: str = "alice", scopes: Iterable[str] = (), **settings: Any) -> ApiKeyRecord:
        """A new key, by the store's ``create``."""
        return self.ask(self.store.create, owner, scopes, **settings)[1]

    def found(self, record: ApiKeyRecord) -> ApiKeyRecord:
        """The key as it is stored."""
        found = self.ask(self.store.find_key, record.digest)
        assert found is not None
        return found

    def several(self) -> list[ApiKeyRecord]:
        """A new key for each round of a race."""
        return [self.add_key() for _ in range(self.rounds)]

    def test_a_key_is_found_as_stored_by_its_digest(self) -> None:
        scopes = frozenset({"orders:read", "https://example.org/x?y=z"})
        key, record = self.ask(self.store.create, "Zo\u00eb", scopes, name="b\u00fcro \U0001f510", lifetime=60.5)
        assert self.ask(self.store.find_key, token_digest(key)) == record
        assert (record.owner, record.scopes, record.name) == ("Zo\u00eb", scopes, "b\u00fcro \U0001f510")
        assert (record.expires_at, record.revoked_at) == (record.created_at + 60.5, None)

    def test_nothing_else_finds_a_key(self) -> None:
        key, record = self.ask(self.store.create, "alice")
        for text in (key, record.id, record.digest[:-1], f"{record.digest} ", "%", "0" * 64):
            assert self.ask(self.store.find_key, text) is None

    def test_the_use_of_a_key_is_noted_and_changes_nothing_else(self) -> None:
        record, other = self.add_key(scopes=["a"], name="laptop", lifetime=60), self.add_key()
        at = record.created_at + 0.123456
        self.ask(self.store.touch_key, record.id, at)
        self.ask(self.store.touch_key, "key_unknown", at)
        found = self.found(record)
        assert found.last_used_at == at
        assert (found.scopes, found.name, found.expires_at) == (record.scopes, "laptop", record.expires_at)
        assert self.found(other) == other

    def test_a_key_that_is_used_at_once_is_still_revoked(self) -> None:
        records = self.several()
        self.race(partial(_revoke_or_touch, records))
        assert [record.id for record in records if self.found(record).revoked_at is None] == []

    @between_processes
    def test_a_key_that_is_used_by_processes_at_once_is_still_revoked(self) -> None:
        records = self.several()
        self.race_processes(partial(_revoke_or_touch, records))
        assert [record.id for record in records if self.found(record).revoked_at is None] == []

    def test_of_many_revocations_at_once_all_answer_the_same_time(self) -> None:
        records = self.several()
        for record, times in zip(records, self.race(partial(_revoke, records)), strict=True):
            assert set(times) == {self.found(record).revoked_at}


def _revoke_or_touch(records: Sequence[ApiKeyRecord], store: _Keys, racer: int, number: int) -> Flow[None]:
    if racer == 0:
        yield from Ask(store.revoke, records[number].id)
    else:
        yield from Ask(store.touch_key, records[number].id, time.time() + racer)


def _revoke(records: Sequence[ApiKeyRecord], store: _Keys, racer: int, number: int) -> Flow[float | None]:
    return (yield from Ask(store.revoke, records[number].id)).revoked_at
