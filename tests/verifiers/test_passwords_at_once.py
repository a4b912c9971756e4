"""Many requests with passwords at once: one hash for one user, a fair share for each, and no result of another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
import trio

from authmw import Auth, HTTPBasic
from authmw.errors import Overloaded, Unavailable
from authmw.flow.flow import Flow, Join, Work, run, run_async
from authmw.flow.pool import WorkPool
from authmw.http.reasons import Reason
from authmw.identity.verdict import Authenticated, Rejected
from authmw.stores import MemoryThrottle
from authmw.stores.records import AttemptOutcome, User
from tests.verifiers.password_bench import ALICE, AWAY, HASHER, Bench
from tests.verifiers.throttles import Throttle

SOON: Final = 20.0

Crowd = Callable[[Bench, list[tuple[str, str]], WorkPool], list[Any]]


def by_threads(bench: Bench, requests: list[tuple[str, str]], pool: WorkPool) -> list[Any]:
    answers: list[Any] = [None] * len(requests)

    def ask(number: int) -> None:
        try:
            answers[number] = run(bench.flow(*requests[number]), pool=pool)
        except Unavailable as error:
            answers[number] = error

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    return answers


def by_asyncio(bench: Bench, requests: list[tuple[str, str]], pool: WorkPool) -> list[Any]:
    async def main() -> list[Any]:
        flows = [run_async(bench.flow(*each), pool=pool) for each in requests]
        answers: list[Any] = await asyncio.gather(*flows, return_exceptions=True)
        return answers

    return asyncio.run(main())


def by_trio(bench: Bench, requests: list[tuple[str, str]], pool: WorkPool) -> list[Any]:
    answers: list[Any] = [None] * len(requests)

    async def ask(number: int) -> None:
        try:
            answers[number] = await run_async(bench.flow(*requests[number]), pool=pool)
        except Unavailable as error:
            answers[number] = error

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(len(requests)):
                nursery.start_soon(ask, number)

    trio.run(main)
    return answers


CROWDS: Final[dict[str, Crowd]] = {"threads": by_threads, "asyncio": by_asyncio, "trio": by_trio}


@pytest.fixture(params=CROWDS)
def crowd(request: pytest.FixtureRequest) -> Crowd:
    found: str = request.param
    return CROWDS[found]


def released(bench: Bench, *, waiting: int) -> threading.Thread:
    """Let the hashes begin when so many requests wait for those of others."""
    bench.hasher.release.clear()
    memory = bench.verifier._memory  # pyright: ignore[reportPrivateUsage]
    assert memory is not None
    flights = memory.flights

    def wait() -> None:
        deadline = time.monotonic() + SOON
        while flights.waiting < waiting and time.monotonic() < deadline:
            time.sleep(0.001)
        bench.hasher.release.set()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("count", [30, 60])
def test_parallel_requests_of_one_user_cause_one_hash(crowd: Crowd, count: int) -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    opening = released(bench, waiting=count - 1)
    answers = crowd(bench, [("alice", "s3cret")] * count, WorkPool(slots=1, queue=0))
    opening.join()
    assert [type(each) for each in answers] == [Authenticated] * count
    assert bench.hasher.count == 1
    assert throttle.outcomes == [AttemptOutcome.SUCCEEDED]


def test_they_are_not_too_many_for_a_real_throttle(crowd: Crowd) -> None:
    bench = Bench(throttle=MemoryThrottle())
    opening = released(bench, waiting=59)
    answers = crowd(bench, [("alice", "s3cret")] * 60, WorkPool(slots=1, queue=0))
    opening.join()
    assert [type(each) for each in answers] == [Authenticated] * 60


def test_without_a_memory_each_is_hashed(crowd: Crowd) -> None:
    bench = Bench(remember_for=0)
    answers = crowd(bench, [("alice", "s3cret")] * 30, WorkPool(slots=2, queue=30))
    assert [type(each) for each in answers] == [Authenticated] * 30
    assert bench.hasher.count == 30


def test_parallel_wrong_passwords_are_one_guess_when_they_are_one_password(crowd: Crowd) -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    opening = released(bench, waiting=29)
    answers = crowd(bench, [("alice", "wrong")] * 30, WorkPool(slots=1, queue=0))
    opening.join()
    assert {each.reason for each in answers} == {Reason.PASSWORD_WRONG}
    assert (bench.hasher.count, throttle.outcomes) == (1, [AttemptOutcome.FAILED])


def test_different_passwords_of_one_name_share_nothing(crowd: Crowd) -> None:
    bench = Bench()
    requests = [("alice", "s3cret" if number % 2 else f"wrong-{number % 6}") for number in range(30)]
    opening = released(bench, waiting=26)
    answers = crowd(bench, requests, WorkPool(slots=2, queue=60))
    opening.join()
    assert [isinstance(each, Authenticated) for each in answers] == [password == "s3cret" for _, password in requests]
    assert sorted(set(bench.hasher.passwords)) == sorted({password for _, password in requests})
    assert bench.hasher.passwords.count("s3cret") == 1


def test_different_users_share_the_pool_and_each_is_one_hash(crowd: Crowd) -> None:
    users = [User(str(number), f"user-{number}", ALICE.password_hash) for number in range(10)]
    bench = Bench(*users)
    requests = [(f"user-{number % 10}", "s3cret") for number in range(60)]
    opening = released(bench, waiting=50)
    answers = crowd(bench, requests, WorkPool(slots=2, queue=8))
    opening.join()
    assert [each.principal.id for each in answers] == [str(number % 10) for number in range(60)]
    assert bench.hasher.count == 10


def test_a_crowd_of_one_user_holds_one_slot_and_one_other_user_is_next() -> None:
    bench = Bench(ALICE, User("2", "bob", HASHER.hash("b0b")))
    pool = WorkPool(slots=1, queue=1)
    bench.hasher.release.clear()

    async def main() -> None:
        crowd = [asyncio.create_task(run_async(bench.flow(), pool=pool)) for _ in range(60)]
        while len(bench.users.asked) < 60 or not bench.hasher.passwords:
            await asyncio.sleep(0.001)
        bob = asyncio.create_task(run_async(bench.flow("bob", "b0b"), pool=pool))
        while len(bench.users.asked) < 61:
            await asyncio.sleep(0.001)
        bench.hasher.release.set()
        assert isinstance(await bob, Authenticated)
        assert all(isinstance(each, Authenticated) for each in await asyncio.gather(*crowd))

    asyncio.run(main())
    assert bench.hasher.passwords == ["s3cret", "b0b"]


def test_each_gets_the_user_that_it_has_found_itself() -> None:
    bench = Bench()
    first, second = bench.flow(), bench.flow()
    work = first.send(next(first).function("alice"))
    assert isinstance(work, Work)
    bench.users.change("alice", scopes=frozenset({"new"}))
    assert isinstance(second.send(next(second).function("alice")), Join)
    with pytest.raises(StopIteration):
        first.send(work.function(*work.args, **work.kwargs))
    with pytest.raises(StopIteration) as done:
        second.send(None)
    assert done.value.value.principal.scopes == {"new"}


def test_who_finds_another_hash_does_not_join() -> None:
    bench = Bench()
    first, second, third = bench.flow(), bench.flow(), bench.flow()
    assert isinstance(first.send(next(first).function("alice")), Work)
    bench.users.change("alice", password_hash=HASHER.hash("n3w"))
    assert isinstance(second.send(next(second).function("alice")), Work)
    bench.users.change("alice", disabled=True)
    assert isinstance(third.send(next(third).function("alice")), Work)
    for flow in (first, second, third):
        flow.close()


def test_who_comes_from_elsewhere_does_not_join() -> None:
    # It would not be asked for at the throttle, and so could guess while the owner logs in.
    throttle = Throttle(**{f"source_{AWAY}": 60.0})
    bench = Bench(throttle=throttle)
    first = bench.flow()
    first.send(next(first).function("alice"))
    verdict = bench.verdict(source=AWAY)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.TOO_MANY_ATTEMPTS
    first.close()


def test_a_check_that_is_over_between_the_look_and_the_turn_is_not_made_again() -> None:
    bench = Bench()
    late = bench.flow()
    user = next(late).function("alice")
    memory: Any = bench.verifier._memory  # pyright: ignore[reportPrivateUsage]
    look: Callable[..., Flow[User | None]] = memory.recall

    def look_then_lose(*args: Any) -> Any:
        memory.recall = look
        found = yield from look(*args)
        assert bench.opens()
        return found

    memory.recall = look_then_lose
    with pytest.raises(StopIteration) as done:
        late.send(user)
    assert isinstance(done.value.value, Authenticated)
    assert bench.hasher.count == 1


def test_after_a_cancelled_request_one_other_is_checked() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    bench.hasher.release.clear()
    pool = WorkPool(slots=2, queue=0)

    async def main() -> list[Any]:
        first = asyncio.create_task(run_async(bench.flow(), pool=pool))
        while not bench.hasher.passwords:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(run_async(bench.flow(), pool=pool)) for _ in range(29)]
        while len(bench.users.asked) < 30:
            await asyncio.sleep(0.001)
        first.cancel()
        while len(bench.hasher.passwords) < 2:
            await asyncio.sleep(0.001)
        bench.hasher.release.set()
        answers: list[Any] = await asyncio.gather(*others)
        return answers

    assert [type(each) for each in asyncio.run(main())] == [Authenticated] * 29
    assert bench.hasher.count == 2
    assert bench.hashes() == 0


def test_a_full_pool_is_a_503_that_says_when_to_come_back_for_all_and_is_not_remembered(crowd: Crowd) -> None:
    throttle = Throttle()
    bench = Bench(ALICE, User("2", "bob", HASHER.hash("b0b")), throttle=throttle)
    pool, busy = WorkPool(slots=1, queue=0), threading.Event()
    started = threading.Event()

    def occupy() -> None:
        started.set()
        assert busy.wait(SOON)

    thread = threading.Thread(target=pool.run, args=(occupy,))
    thread.start()
    assert started.wait(SOON)
    answers = crowd(bench, [("alice", "s3cret")] * 10, pool)
    busy.set()
    thread.join()
    assert {each.retry_after for each in answers} == {1}
    assert isinstance(answers[0], Overloaded | Unavailable)
    assert set(throttle.outcomes) == {AttemptOutcome.ABANDONED}
    assert bench.hashes() == 1


def test_a_throttle_that_refuses_one_refuses_all_that_ask_alike(crowd: Crowd) -> None:
    bench = Bench(throttle=Throttle(account_alice=9.0))
    answers = crowd(bench, [("alice", "s3cret")] * 10, WorkPool(slots=1, queue=0))
    assert {(each.reason, each.retry_after) for each in answers} == {(Reason.ACCOUNT_THROTTLED, 9)}
    assert bench.hasher.count == 0


def test_sixty_requests_through_auth_are_one_hash() -> None:
    from base64 import b64encode

    from authmw.http.request import WSGIRequest

    bench = Bench()
    auth = Auth(HTTPBasic(bench.verifier), pool=WorkPool(slots=1, queue=0))
    header = "Basic " + b64encode(b"alice:s3cret").decode()
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": header})
    opening = released(bench, waiting=59)

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(auth.authenticate_async(request) for _ in range(60))))

    answers = asyncio.run(main())
    opening.join()
    assert {each.principal.id for each in answers} == {"1"}
    assert bench.hasher.count == 1
