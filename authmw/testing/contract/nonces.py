"""Contract of nonce stores, which let a value be used only once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import NonceStore
from authmw.stores.records import Claim
from authmw.testing.contract.base import StoreContract, between_processes


class NonceStoreContract(StoreContract[NonceStore]):
    """The contract of `authmw.stores.NonceStore`."""

    def claim(self, nonce: str, count: int) -> Claim:
        """Claim `count` of `nonce` for an hour."""
        return self.ask(self.store.claim_nonce, nonce, count, _in_an_hour())

    def test_a_count_is_fresh_once_and_only_above_all_claimed_before(self) -> None:
        claims = [self.claim("n", count) for count in (1, 1, 3, 2, 3, 4)]
        fresh, replayed = Claim.FRESH, Claim.REPLAYED
        assert claims == [fresh, replayed, fresh, replayed, replayed, fresh]

    def test_nonces_are_claimed_apart(self) -> None:
        assert [self.claim(nonce, 1) for nonce in ("n", "N", "n ", "nn", "%", "n")] == [Claim.FRESH] * 5 + [
            Claim.REPLAYED
        ]

    def test_counts_are_numbers_and_not_texts(self) -> None:
        assert [self.claim("n", count) for count in (9, 10, 9, 99_999_999)] == [
            Claim.FRESH,
            Claim.FRESH,
            Claim.REPLAYED,
            Claim.FRESH,
        ]

    def test_a_claim_outlives_a_shorter_one_of_the_same_nonce(self) -> None:
        assert self.claim("n", 1) is Claim.FRESH
        self.ask(self.store.claim_nonce, "n", 1, time.time() - 1)
        assert self.claim("n", 1) is Claim.REPLAYED

    def test_of_many_claims_at_once_one_is_fresh(self) -> None:
        for claims in self.race(partial(_claim, _nonces(self.rounds))):
            assert claims.count(Claim.FRESH) == 1

    def test_of_many_counts_at_once_the_fresh_ones_rise(self) -> None:
        nonces = _nonces(self.rounds)
        for number, claims in enumerate(self.race(partial(_claim_own_count, nonces))):
            assert claims[-1] is Claim.FRESH, "the highest count is above all others, whenever it is claimed"
            assert self.claim(nonces[number], len(claims)) is Claim.REPLAYED
            assert self.claim(nonces[number], len(claims) + 1) is Claim.FRESH

    @between_processes
    def test_of_claims_by_processes_at_once_one_is_fresh(self) -> None:
        for claims in self.race_processes(partial(_claim, _nonces(self.rounds))):
            assert claims.count(Claim.FRESH) == 1


def _in_an_hour() -> float:
    return float(int(time.time()) + 3600)


def _nonces(rounds: int) -> Sequence[str]:
    return [f"nonce-{number}" for number in range(rounds)]


def _claim(nonces: Sequence[str], store: NonceStore, racer: int, number: int) -> Flow[Claim]:
    return (yield from Ask(store.claim_nonce, nonces[number], 1, _in_an_hour()))


def _claim_own_count(nonces: Sequence[str], store: NonceStore, racer: int, number: int) -> Flow[Claim]:
    return (yield from Ask(store.claim_nonce, nonces[number], racer + 1, _in_an_hour()))
