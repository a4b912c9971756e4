"""Contract of stores of what is pending for a person."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from authmw.crypto.opaque_tokens import new_id, token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.session_ports import PendingStore
from authmw.stores.session_records import Pending
from authmw.testing.contract.base import StoreContract, between_processes

# Ahead of the clock, so that no store forgets a record as expired during the tests, however long they take.
NOW: Final = float(int(time.time()) + 3600)
MANY: Final = 32
"""The number of requests that take the same at once."""


def a_pending(**changes: Any) -> Pending:
    """Something that is pending for ten minutes, with a new secret."""
    pending = Pending(token_digest(new_id("secret")), "recovery", "usr_1", NOW + 600, {"email": "alice@shop.example"})
    return replace(pending, **changes)


class PendingStoreContract(StoreContract[PendingStore]):
    """The contract of `authmw.stores.PendingStore`."""

    def put(self, **changes: Any) -> Pending:
        """Something new that is pending."""
        pending = a_pending(**changes)
        self.ask(self.store.put_pending, pending)
        return pending

    def peek(self, pending: Pending, now: float = NOW) -> Pending | None:
        """What is pending, if it is."""
        return self.ask(self.store.peek_pending, pending.digest, pending.kind, now)

    def take(self, pending: Pending, now: float = NOW) -> Pending | None:
        """The same, which it is no more afterwards."""
        return self.ask(self.store.take_pending, pending.digest, pending.kind, now)

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"subject": "", "data": {}},
            {"kind": "login-step", "expires_at": NOW + 0.123456},
            {"data": {"next": "/b\u00fccher?q=\u30ce\u30fc\u30c8&x='\"\\%{}", "": "", "a b": "\U0001f510\n"}},
        ],
        ids=["plain", "least", "another kind", "of all languages"],
    )
    def test_it_is_found_and_taken_as_it_was_put(self, changes: dict[str, Any]) -> None:
        pending, other = self.put(**changes), self.put(**changes)
        assert [self.peek(pending), self.peek(pending), self.take(pending)] == [pending] * 3
        assert self.peek(other) == other

    def test_it_is_taken_once(self) -> None:
        pending = self.put()
        assert self.take(pending) == pending
        assert self.take(pending) is None
        assert self.peek(pending) is None

    def test_a_secret_of_one_kind_is_worth_nothing_for_another_and_stays(self) -> None:
        pending = self.put()
        for kind in ("verification", "Recovery", "", "%"):
            for verb in (self.store.peek_pending, self.store.take_pending):
                assert self.ask(verb, pending.digest, kind, NOW) is None
        assert self.take(pending) == pending

    def test_another_secret_finds_nothing(self) -> None:
        pending = self.put()
        for digest in (pending.digest[:-1], f"{pending.digest} ", "%", "", token_digest("another")):
            for verb in (self.store.peek_pending, self.store.take_pending):
                assert self.ask(verb, digest, pending.kind, NOW) is None
        assert self.peek(pending) == pending

    def test_what_has_expired_is_there_no_more(self) -> None:
        for late in (0.0, 1.0, 86_400.0):
            pending = self.put(expires_at=NOW + 60)
            assert self.peek(pending, NOW + 59.9) == pending
            assert self.peek(pending, NOW + 60 + late) is None
            assert self.take(pending, NOW + 60 + late) is None

    def test_what_is_put_again_is_replaced(self) -> None:
        pending = self.put()
        again = replace(pending, expires_at=NOW + 1200, data={"step": "2"})
        self.ask(self.store.put_pending, again)
        assert self.take(pending, NOW + 900) == again
        assert self.take(pending) is None

    def test_everything_of_a_kind_is_dropped_for_a_subject_and_nothing_else(self) -> None:
        mine = [self.put(), self.put(data={})]
        others = [self.put(kind="verification"), self.put(subject="usr_2"), self.put(subject="")]
        self.ask(self.store.drop_pending, "usr_1", "recovery")
        assert [self.peek(each) for each in mine] == [None, None]
        assert [self.take(each) for each in mine] == [None, None]
        assert [self.peek(each) for each in others] == others
        self.ask(self.store.drop_pending, "usr_1", "recovery")
        again = self.put()
        assert self.take(again) == again

    def test_of_many_that_take_it_at_once_one_gets_it(self) -> None:
        kept = [self.put() for _ in range(self.rounds)]
        self.assert_one_got_it(kept, self.race(partial(_take, kept), racers=MANY))

    @between_processes
    def test_of_processes_that_take_it_at_once_one_gets_it(self) -> None:
        kept = [self.put() for _ in range(self.rounds)]
        self.assert_one_got_it(kept, self.race_processes(partial(_take, kept)))

    def assert_one_got_it(self, kept: list[Pending], rounds: list[list[Pending | None]]) -> None:
        """One answer is what was put, and the others are None."""
        for pending, answers in zip(kept, rounds, strict=True):
            assert [each for each in answers if each is not None] == [pending]
            assert self.peek(pending) is None


def _take(kept: Sequence[Pending], store: PendingStore, racer: int, number: int) -> Flow[Pending | None]:
    pending = kept[number]
    return (yield from Ask(store.take_pending, pending.digest, pending.kind, pending.expires_at - 600))
