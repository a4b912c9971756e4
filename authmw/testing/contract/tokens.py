"""Contract of stores of opaque access tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from authmw.crypto.opaque_tokens import new_id, token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import TokenKeeper
from authmw.stores.records import TokenRecord
from authmw.testing.contract.base import StoreContract, between_processes

NOW: Final = float(int(time.time()))


def a_token(**changes: Any) -> TokenRecord:
    """The record of a token that is made now, with a new id and a new digest."""
    id = new_id("tok")
    record = TokenRecord(id, token_digest(f"token of {id}"), "usr_1", NOW + 3600, created_at=NOW)
    return replace(record, **changes)


class TokenStoreContract(StoreContract[TokenKeeper]):
    """The contract of `authmw.stores.TokenStore` and `authmw.stores.TokenKeeper`."""

    def add(self, **changes: Any) -> TokenRecord:
        """A new token in the store."""
        record = a_token(**changes)
        self.ask(self.store.add_token, record)
        return record

    def found(self, record: TokenRecord) -> TokenRecord:
        """The token as it is stored."""
        found = self.ask(self.store.find_token, record.digest)
        assert found is not None
        return found

    def several(self, **changes: Any) -> list[TokenRecord]:
        """A new token for each round of a race."""
        return [self.add(**changes) for _ in range(self.rounds)]

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {
                "subject": "Zo\u00eb \U0001f510",
                "scopes": frozenset({"orders:read", "https://example.org/x?y=z", "d,e"}),
                "audience": frozenset({"https://api.example.org/", "b"}),
                "client_id": "shop '\"\\%",
                "family_id": "fam_1",
            },
            {"kind": "client", "client_id": "shop", "subject": "shop"},
            {"created_at": NOW + 0.123456, "expires_at": NOW + 3600.654321},
            {"revoked_at": NOW + 0.123456},
        ],
        ids=["plain", "everything", "of a client", "times", "revoked"],
    )
    def test_a_token_is_found_as_it_was_added(self, changes: dict[str, Any]) -> None:
        record = self.add(**changes)
        self.add()
        assert self.found(record) == record

    def test_nothing_but_its_digest_finds_a_token(self) -> None:
        record = self.add()
        for text in (record.id, record.digest[:-1], f"{record.digest} ", "%", "0" * 64):
            assert self.ask(self.store.find_token, text) is None

    def test_a_token_is_revoked_once_and_stays_so(self) -> None:
        record, other = self.add(), self.add()
        assert self.ask(self.store.revoke_token, record.digest, NOW + 5.5) is True
        assert self.ask(self.store.revoke_token, record.digest, NOW + 9) is False
        assert self.ask(self.store.revoke_token, token_digest("another"), NOW + 9) is False
        assert self.found(record) == replace(record, revoked_at=NOW + 5.5)
        assert self.found(other) == other

    @pytest.mark.parametrize(
        "verb, field",
        [
            ("revoke_family_tokens", "family_id"),
            ("revoke_subject_tokens", "subject"),
            ("revoke_client_tokens", "client_id"),
        ],
    )
    def test_all_tokens_of_one_are_revoked_and_no_others(self, verb: str, field: str) -> None:
        mine = [self.add(**{field: "of this one"}) for _ in range(3)]
        before = self.add(**{field: "of this one"}, revoked_at=NOW + 1)
        others = [self.add(), *(self.add(**{field: name}) for name in ("of another", "Of this one", "of this one "))]
        for at in (NOW + 5.5, NOW + 9):
            self.ask(getattr(self.store, verb), "of this one", at)
        assert [self.found(each) for each in mine] == [replace(each, revoked_at=NOW + 5.5) for each in mine]
        assert self.found(before) == before
        assert [self.found(each) for each in others] == others
        self.ask(getattr(self.store, verb), "of nobody", NOW)

    def test_of_many_revocations_at_once_one_changes_something(self) -> None:
        self.assert_one_changed(records := self.several(), self.race(partial(_revoke, records)))

    @between_processes
    def test_of_revocations_by_processes_at_once_one_changes_something(self) -> None:
        self.assert_one_changed(records := self.several(), self.race_processes(partial(_revoke, records)))

    def assert_one_changed(self, records: list[TokenRecord], rounds: list[list[bool]]) -> None:
        """One answer is true, and its time is stored."""
        for record, answers in zip(records, rounds, strict=True):
            assert answers.count(True) == 1
            assert self.found(record).revoked_at == record.created_at + answers.index(True)

    def test_whoever_looks_after_a_revocation_has_answered_finds_it(self) -> None:
        records = self.several(family_id="fam_1")
        for answers in self.race(partial(_revoke_and_look, records)):
            assert all(answers)

    @between_processes
    def test_whoever_looks_after_a_revocation_in_a_process_has_answered_finds_it(self) -> None:
        records = self.several(family_id="fam_1")
        for answers in self.race_processes(partial(_revoke_and_look, records)):
            assert all(answers)

    def test_tokens_that_are_added_at_once_are_all_kept(self) -> None:
        added = [record for answers in self.race(_add, rounds=5) for record in answers]
        assert [self.found(record) for record in added] == added


def _revoke(records: Sequence[TokenRecord], store: TokenKeeper, racer: int, number: int) -> Flow[bool]:
    record = records[number]
    return (yield from Ask(store.revoke_token, record.digest, record.created_at + racer))


def _revoke_and_look(records: Sequence[TokenRecord], store: TokenKeeper, racer: int, number: int) -> Flow[bool]:
    record = records[number]
    at = record.created_at + racer
    match racer % 4:
        case 0:
            yield from Ask(store.revoke_token, record.digest, at)
        case 1:
            yield from Ask(store.revoke_family_tokens, "fam_1", at)
        case 2:
            yield from Ask(store.revoke_subject_tokens, record.subject, at)
        case _:
            # A revocation is final: a store that writes back an older record would bring the token back.
            looks: list[bool] = []
            for _ in range(10):
                found = yield from Ask(store.find_token, record.digest)
                looks.append(found is not None and found.revoked_at is not None)
            return looks == sorted(looks)
    found = yield from Ask(store.find_token, record.digest)
    return found is not None and found.revoked_at is not None


def _add(store: TokenKeeper, racer: int, number: int) -> Flow[TokenRecord]:
    record = a_token()
    yield from Ask(store.add_token, record)
    return record
