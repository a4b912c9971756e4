"""Contract of nonce stores, which let a value be used only once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import NonceStore
from authmw.stores.records import NonceUse
from authmw.testing.contract.base import StoreContract, between_processes


class NonceStoreContract(StoreContract[NonceStore]):
    """The contract of `authmw.stores.NonceStore`."""

    def use(self, nonce: str, count: int) -> NonceUse:
        """Use `count` of `nonce` for an hour."""
        return self.ask(self.store.use_nonce, nonce, count, _in_an_hour())

    def test_a_count_is_fresh_once_and_only_above_all_used_before(self) -> None:
        uses = [self.use("n", count) for count in (1, 1, 3, 2, 3, 4)]
        fresh, replayed = NonceUse.FRESH, NonceUse.REPLAYED
        assert uses == [fresh, replayed, fresh, replayed, replayed, fresh]

    def test_nonces_are_used_apart(self) -> None:
        assert [self.use(nonce, 1) for nonce in ("n", "N", "n ", "nn", "n/1", "n/2", "%", "n")] == [
            *[NonceUse.FRESH] * 7,
            NonceUse.REPLAYED,
        ]

    def test_counts_are_numbers_and_not_texts(self) -> None:
        assert [self.use("n", count) for count in (9, 10, 9, 99_999_999)] == [
            NonceUse.FRESH,
            NonceUse.FRESH,
            NonceUse.REPLAYED,
            NonceUse.FRESH,
        ]

    def test_a_use_outlives_a_shorter_one_of_the_same_nonce(self) -> None:
        assert self.use("n", 1) is NonceUse.FRESH
        self.ask(self.store.use_nonce, "n", 1, time.time() - 1)
        assert self.use("n", 1) is NonceUse.REPLAYED

    def test_of_many_uses_at_once_one_is_fresh(self) -> None:
        for uses in self.race(partial(_use, _nonces(self.rounds))):
            assert uses.count(NonceUse.FRESH) == 1

    def test_of_many_counts_at_once_the_fresh_ones_rise(self) -> None:
        nonces = _nonces(self.rounds)
        for number, uses in enumerate(self.race(partial(_use_own_count, nonces))):
            assert uses[-1] is NonceUse.FRESH, "the highest count is above all others, whenever it is used"
            assert self.use(nonces[number], len(uses)) is NonceUse.REPLAYED
            assert self.use(nonces[number], len(uses) + 1) is NonceUse.FRESH

    @between_processes
    def test_of_uses_by_processes_at_once_one_is_fresh(self) -> None:
        for uses in self.race_processes(partial(_use, _nonces(self.rounds))):
            assert uses.count(NonceUse.FRESH) == 1


def _in_an_hour() -> float:
    return float(int(time.time()) + 3600)


def _nonces(rounds: int) -> Sequence[str]:
    return [f"nonce-{number}" for number in range(rounds)]


def _use(nonces: Sequence[str], store: NonceStore, racer: int, number: int) -> Flow[NonceUse]:
    return (yield from Ask(store.use_nonce, nonces[number], 1, _in_an_hour()))


def _use_own_count(nonces: Sequence[str], store: NonceStore, racer: int, number: int) -> Flow[NonceUse]:
    return (yield from Ask(store.use_nonce, nonces[number], racer + 1, _in_an_hour()))
