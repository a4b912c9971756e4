"""The contract catches stores that break it, and lets others pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from authmw.errors import StoreUnavailable
from authmw.stores import MemoryNonces
from authmw.stores.records import NonceUse
from authmw.testing.contract import (
    FamilyStoreContract,
    NonceStoreContract,
    PendingStoreContract,
    RevocationStoreContract,
    SessionStoreContract,
    StoreContract,
    ThrottleContract,
    TokenStoreContract,
)
from tests.stores.broken import (
    AsyncNonces,
    BrokenAsyncNonces,
    BrokenFamilies,
    BrokenNonces,
    BrokenPending,
    BrokenRevocations,
    BrokenSessions,
    BrokenThrottle,
    BrokenTokens,
)
from tests.stores.file_nonces import path_of

FAMILIES = FamilyStoreContract
NONCES = NonceStoreContract
SESSIONS = SessionStoreContract
ONE_IS_FRESH = "test_of_many_uses_at_once_one_is_fresh"


def of_one_process(contract: type[StoreContract[Any]], open_store: Callable[[], object]) -> StoreContract[Any]:
    """The contract as somebody would derive it for a store in memory."""

    def opening(_: object) -> object:
        return open_store()

    mine = type("TestMine", (contract,), {"processes": False, "open_store": opening})
    return cast("StoreContract[Any]", mine())


class FileNoncesContract(NonceStoreContract):
    def drop(self, namespace: str) -> None:
        path_of(namespace).unlink(missing_ok=True)


class Atomic(FileNoncesContract):
    factory = "tests.stores.file_nonces:atomic"


class ReadingThenWriting(FileNoncesContract):
    factory = "tests.stores.file_nonces:reading_then_writing"


def keeps(case: StoreContract[Any], test: str, *arguments: object) -> bool:
    """Whether the store passes one of the tests, which is tried a few times: a race may end well."""
    for _ in range(5):
        with case.opened():
            try:
                getattr(case, test)(*arguments)
            except AssertionError:
                return False
    return True


@pytest.mark.parametrize(
    "contract, broken, test",
    [
        (FAMILIES, BrokenFamilies, "test_of_many_rotations_at_once_one_is_rotated_and_all_get_its_successor"),
        (FAMILIES, BrokenFamilies, "test_of_many_rotations_at_once_without_grace_one_is_rotated_and_the_family_ends"),
        (FAMILIES, BrokenFamilies, "test_of_many_ends_at_once_each_family_is_in_one_answer"),
        (SESSIONS, BrokenSessions, "test_of_many_renewals_at_once_one_is_renewed_and_all_get_its_successor"),
        (SESSIONS, BrokenSessions, "test_of_many_uses_at_once_the_latest_is_kept"),
        (SESSIONS, BrokenSessions, "test_of_many_ends_at_once_each_session_is_in_one_answer_and_the_kept_one_in_none"),
        (PendingStoreContract, BrokenPending, "test_of_many_that_take_it_at_once_one_gets_it"),
        (NONCES, BrokenNonces, ONE_IS_FRESH),
        (NONCES, BrokenNonces, "test_of_many_counts_at_once_the_fresh_ones_rise"),
        (NONCES, BrokenAsyncNonces, ONE_IS_FRESH),
        (TokenStoreContract, BrokenTokens, "test_of_many_revocations_at_once_one_changes_something"),
        (ThrottleContract, BrokenThrottle, "test_of_many_attempts_at_once_the_free_ones_go_ahead"),
        (ThrottleContract, BrokenThrottle, "test_of_many_successes_at_once_each_gives_back_its_own"),
        (RevocationStoreContract, BrokenRevocations, "test_who_reads_on_misses_nothing_that_is_published_at_once"),
    ],
)
def test_a_store_that_reads_and_then_writes_is_caught(
    contract: type[StoreContract[Any]], broken: Callable[[], object], test: str
) -> None:
    assert not keeps(of_one_process(contract, broken), test)


@pytest.mark.parametrize("verb", ["end_family", "end_families", "end_session_families", "end_client_families"])
def test_a_rotation_that_brings_an_ended_family_back_is_caught(verb: str) -> None:
    case = of_one_process(FamilyStoreContract, BrokenFamilies)
    assert not keeps(case, "test_no_rotation_brings_a_family_back_that_ended_meanwhile", verb)


@pytest.mark.parametrize("verb", ["end_session", "end_sessions"])
def test_a_renewal_or_a_use_that_brings_an_ended_session_back_is_caught(verb: str) -> None:
    case = of_one_process(SessionStoreContract, BrokenSessions)
    test = "test_no_renewal_and_no_use_brings_a_session_back_that_ended_meanwhile"
    assert not all(keeps(case, test, verb) for _ in range(3))


def test_an_asynchronous_store_that_keeps_the_contract_passes_and_is_closed() -> None:
    stores: list[AsyncNonces] = []

    def opened() -> AsyncNonces:
        stores.append(AsyncNonces())
        return stores[-1]

    assert keeps(of_one_process(NonceStoreContract, opened), ONE_IS_FRESH)
    assert [store.is_closed for store in stores] == [True] * 5


def test_processes_that_keep_each_other_out_pass() -> None:
    assert keeps(Atomic(), "test_of_uses_by_processes_at_once_one_is_fresh")


def test_processes_that_read_and_then_write_are_caught() -> None:
    test = "test_of_uses_by_processes_at_once_one_is_fresh"
    assert not all(keeps(ReadingThenWriting(), test) for _ in range(5))


def test_what_a_test_leaves_is_dropped() -> None:
    case = Atomic()
    with case.opened():
        case.use("n", 1)
        path = path_of(case.namespace)
        assert path.exists()
    assert not path.exists()


def test_races_of_processes_are_not_collected_for_a_store_of_one() -> None:
    races = {name for name in dir(NonceStoreContract) if name.startswith("test_") and "processes" in name}
    assert races
    mine = of_one_process(NonceStoreContract, MemoryNonces)
    assert {name for name in races if callable(getattr(mine, name))} == set()
    assert {name for name in races if callable(getattr(Atomic, name))} == races


def test_who_names_no_factory_is_told() -> None:
    class Mine(NonceStoreContract):
        def open_store(self) -> MemoryNonces:
            return MemoryNonces()

    case = Mine()
    with case.opened(), pytest.raises(pytest.fail.Exception, match="Mine needs factory"):
        case.test_of_uses_by_processes_at_once_one_is_fresh()
    with pytest.raises(pytest.fail.Exception, match="Mine needs factory"), case.opened():
        super(Mine, case).open_store()


class _FailingOnce:
    """Nonces of which one use is not answered."""

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        if count == 3:
            raise OSError("the connection was lost")
        return NonceUse.FRESH


def test_what_a_store_raised_is_raised_and_not_that_others_waited_for_it() -> None:
    case = of_one_process(NonceStoreContract, _FailingOnce)
    with case.opened(), pytest.raises(StoreUnavailable, match="OSError"):
        case.test_of_many_counts_at_once_the_fresh_ones_rise()  # type: ignore[attr-defined]
