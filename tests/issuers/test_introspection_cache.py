"""What introspection keeps, for how long, and how often the server is asked (oauth2: RFC 7662 §4)."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import pytest

from authmw.errors import StoreUnavailable, Unavailable
from authmw.flow.flow import Flow, run, run_async
from authmw.flow.single_flight import SingleFlight
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.fetching.fetch import AnswerRefused, FetchFailed
from authmw.issuers.introspection.endpoint import DiscoveredEndpoint
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.testing.clock import FakeClock
from tests.issuers.introspection_servers import ACTIVE, INACTIVE, NOW, URL, FakeServer, answered, verifier_of

SOON: Final = 20.0
"""Seconds in which a thread has certainly had its turn."""


def verify(verifier: IntrospectionVerifier, token: str = "t-1") -> Verdict | None:
    found = verifier.verify(BearerToken(token))
    return found if found is None or isinstance(found, Authenticated | Rejected) else run(found)


def part(whole: object, name: str) -> Any:
    """What is inside, which nobody but a test has to see."""
    return getattr(whole, name)


def is_taken(verifier: IntrospectionVerifier, token: str = "t-1") -> bool:
    return isinstance(verify(verifier, token), Authenticated)


@pytest.mark.parametrize("options, seconds", [({}, 30), ({"keep": 30}, 30), ({"keep": 300}, 300)])
def test_an_active_token_is_asked_about_once_in_a_while(options: dict[str, Any], seconds: float) -> None:
    server, clock = FakeServer(), FakeClock(NOW)
    verifier = verifier_of(server, clock, **options)
    for _ in range(3):
        assert is_taken(verifier)
    clock.advance(seconds - 0.001)
    assert is_taken(verifier)
    assert len(server.asked) == 1
    clock.advance(0.001)
    server.answer = INACTIVE
    assert not is_taken(verifier)
    assert len(server.asked) == 2


def test_what_is_kept_needs_no_flow() -> None:
    verifier = verifier_of(FakeServer())
    assert is_taken(verifier)
    assert isinstance(verifier.verify(BearerToken("t-1")), Authenticated)


def test_nothing_is_kept_beyond_its_expiry() -> None:
    server, clock = FakeServer({**ACTIVE, "exp": NOW + 5}), FakeClock(NOW)
    verifier = verifier_of(server, clock, keep=30, leeway=0)
    assert is_taken(verifier)
    clock.advance(5)
    assert not is_taken(verifier)
    assert len(server.asked) == 2


def test_a_token_without_expiry_is_kept_no_longer_than_the_bound() -> None:
    server, clock = FakeServer({name: value for name, value in ACTIVE.items() if name != "exp"}), FakeClock(NOW)
    verifier = verifier_of(server, clock, keep=30)
    assert is_taken(verifier)
    clock.advance(29)
    assert is_taken(verifier)
    clock.advance(1)
    assert is_taken(verifier)
    assert len(server.asked) == 2


def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    server, clock = FakeServer(), FakeClock(NOW)
    verifier = verifier_of(server, clock, keep=30)
    assert is_taken(verifier)
    clock.advance(-3600)
    assert is_taken(verifier)
    assert len(server.asked) == 2


@pytest.mark.parametrize("options", [{"keep": 0}, {"size": 0}])
def test_nothing_is_kept_where_nothing_is_to_be(options: dict[str, Any]) -> None:
    server = FakeServer()
    verifier = verifier_of(server, **options)
    assert is_taken(verifier)
    assert is_taken(verifier)
    assert len(server.asked) == 2


def test_a_token_that_is_not_valid_yet_is_asked_about_again() -> None:
    server = FakeServer({**ACTIVE, "nbf": NOW + 40})
    verifier = verifier_of(server)
    assert not is_taken(verifier)
    server.answer = ACTIVE
    assert is_taken(verifier)
    assert len(server.asked) == 2


UNSUPPORTED = answered({"error": "unsupported_token_type"}, 400)


REFUSED = {
    "inactive": INACTIVE,
    "unsupported": UNSUPPORTED,
    "for another API": {**ACTIVE, "aud": "billing"},
    "expired": {**ACTIVE, "exp": NOW - 600},
    "without subject": {**ACTIVE, "sub": ""},
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_kept_for_five_seconds_and_needs_no_flow(answer: object) -> None:
    server, clock = FakeServer(answer), FakeClock(NOW)
    verifier = verifier_of(server, clock)
    assert not is_taken(verifier)
    server.answer = ACTIVE
    for _ in range(2):
        clock.advance(2.4995)
        assert isinstance(verifier.verify(BearerToken("t-1")), Rejected)
    assert len(server.asked) == 1
    clock.advance(0.001)
    assert is_taken(verifier)
    assert len(server.asked) == 2


@pytest.mark.parametrize("keep, seconds", [(0, 0), (2, 2), (300, 5)])
def test_that_a_token_is_not_active_is_kept_no_longer_than_keep(keep: float, seconds: float) -> None:
    server, clock = FakeServer(INACTIVE), FakeClock(NOW)
    verifier = verifier_of(server, clock, keep=keep)
    assert not is_taken(verifier)
    server.answer = ACTIVE
    clock.advance(seconds)
    assert is_taken(verifier)


def test_made_up_tokens_evict_no_active_one_and_are_bounded() -> None:
    server = FakeServer()
    verifier = verifier_of(server, size=3)
    assert is_taken(verifier)
    server.answer = INACTIVE
    for number in range(5000):
        assert not is_taken(verifier, f"made-up-{number}")
    assert is_taken(verifier)
    assert len(part(verifier, "_refused")) == 4096
    assert "made-up" not in repr(part(part(verifier, "_refused"), "_entries"))


@pytest.mark.parametrize("failure", [answered({}, 500), answered({}), FetchFailed("no answer"), answered({}, 401)])
def test_no_failure_is_kept(failure: object) -> None:
    server = FakeServer(failure)
    verifier = verifier_of(server)
    for _ in range(2):
        with pytest.raises(Unavailable):
            verify(verifier)
    assert len(server.asked) == 2
    server.answer = ACTIVE
    assert is_taken(verifier)


def test_an_outage_in_the_function_for_scopes_is_not_kept_either() -> None:
    is_away = [True]

    def roles(members: Any) -> str:
        if is_away:
            raise StoreUnavailable("the store of roles is away")
        return "orders:read"

    verifier = verifier_of(FakeServer(ACTIVE), scopes=roles)
    with pytest.raises(Unavailable):
        verify(verifier)
    is_away.clear()
    assert is_taken(verifier)


# A server that is silent


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """A server that takes longer than a slow call, and then gives no answer."""
    monkeypatch.setattr("authmw.flow.breaker.SLOW", 0.02)
    server = FakeServer(FetchFailed("https://id.example: no complete answer within 5 s"))
    server.before = lambda: time.sleep(0.1)
    return server


def test_while_the_server_is_silent_one_request_tries_and_the_others_are_unavailable_at_once(
    silent: FakeServer,
) -> None:
    verifier = verifier_of(silent)
    with pytest.raises(Unavailable):
        verify(verifier, "first")

    def ask(number: int) -> str:
        with pytest.raises(FetchFailed) as caught:
            verify(verifier, f"made-up-{number}")
        return str(caught.value)

    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(ask, range(20)))
    assert told.count("https://id.example does not answer") >= 18
    assert len(silent.asked) <= 3
    silent.before, silent.answer = lambda: None, ACTIVE
    assert is_taken(verifier)
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(partial(is_taken, verifier), map(str, range(20))))


def test_what_is_kept_is_taken_while_the_server_is_silent(silent: FakeServer) -> None:
    verifier = verifier_of(silent)
    before, silent.before = silent.before, lambda: None
    failure, silent.answer = silent.answer, ACTIVE
    assert is_taken(verifier)
    silent.before, silent.answer = before, failure
    with pytest.raises(Unavailable):
        verify(verifier, "t-2")
    assert is_taken(verifier)


def test_a_slow_answer_that_is_an_error_does_not_make_the_server_silent(silent: FakeServer) -> None:
    verifier = verifier_of(silent)
    for answer in (answered({}, 500), AnswerRefused("its answer is compressed")):
        silent.answer = answer
        with pytest.raises(Unavailable):
            verify(verifier, "t-1")
        assert not part(verifier, "_breaker").is_open


@pytest.mark.slow
def test_a_flood_of_made_up_tokens_on_a_server_that_hangs_keeps_no_request_waiting() -> None:
    server, release = FakeServer(FetchFailed("no answer")), threading.Event()
    server.before = lambda: release.wait(SOON)
    verifier = verifier_of(server)
    waited: list[float] = []

    async def ask(number: int) -> None:
        began = time.monotonic()
        found: Any = verifier.verify(BearerToken(f"made-up-{number}"))
        with pytest.raises(Unavailable):
            await run_async(found)
        waited.append(time.monotonic() - began)
        if len(waited) == 1000 - 64:
            release.set()  # those that were asked wait for the timeout of the fetcher

    async def main() -> None:
        await asyncio.gather(*map(ask, range(1000)))

    asyncio.run(main())
    assert max(waited) < 10
    assert len(server.asked) == 64


def test_one_token_is_never_taken_for_another() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    assert is_taken(verifier, "t-1")
    server.answer = INACTIVE
    for other in ("t-2", "t-1 ", "T-1", "t-", "t-11"):
        assert not is_taken(verifier, other)


def test_no_token_is_in_memory() -> None:
    verifier = verifier_of(FakeServer())
    assert is_taken(verifier, "the-token-itself")
    assert "the-token-itself" not in repr(part(part(verifier, "_kept"), "_entries"))


def test_where_nothing_is_said_the_answers_about_4096_tokens_are_kept() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    for number in range(4097):
        assert is_taken(verifier, f"t-{number}")
    server.answer = INACTIVE
    assert [is_taken(verifier, f"t-{number}") for number in (0, 1, 4096)] == [False, True, True]


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    server = FakeServer()
    verifier = verifier_of(server, size=3)
    for number in range(100):
        assert is_taken(verifier, f"t-{number}")
    assert len(part(part(verifier, "_kept"), "_entries")) == 3
    server.answer = INACTIVE
    assert [is_taken(verifier, f"t-{number}") for number in (96, 97, 98, 99)] == [False, True, True, True]


# A herd


def held(server: FakeServer) -> tuple[threading.Event, threading.Event]:
    """`server` waits before it answers: (it was asked, it may go on)."""
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert go_on.wait(SOON)

    server.before = wait
    return asked, go_on


def all_wait(verifier: IntrospectionVerifier, count: int) -> Callable[[], bool]:
    """Whether `count` threads wait for one answer."""
    flights: SingleFlight[Any] = part(verifier, "_flights")
    return lambda: flights.waiting == count


def until(condition: Callable[[], bool]) -> None:
    step = threading.Event()
    for _ in range(int(SOON / 0.005)):
        if condition():
            return
        step.wait(0.005)
    raise AssertionError("it did not come to that")


def test_a_herd_with_one_token_asks_once() -> None:
    server = FakeServer()
    verifier = verifier_of(server, keep=0)
    _, go_on = held(server)
    with ThreadPoolExecutor(50) as pool:
        herd = [pool.submit(verify, verifier) for _ in range(50)]
        until(all_wait(verifier, 49))
        go_on.set()
        verdicts = [each.result(SOON) for each in herd]
    assert all(isinstance(verdict, Authenticated) for verdict in verdicts)
    assert len(server.asked) == 1


def test_an_endpoint_that_another_request_has_just_discovered_is_not_discovered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = FakeServer()
    where = "https://id.example/.well-known/openid-configuration"
    server.documents[where] = {
        "issuer": "https://id.example",
        "jwks_uri": "https://id.example/keys",
        "introspection_endpoint": URL,
    }
    endpoint = DiscoveredEndpoint("https://id.example", fetcher=server)
    flight = part(endpoint, "_flight")
    once = flight.once
    found: list[object] = []

    def overtaken(key: str, function: Callable[[], object]) -> object:
        """Another request discovers it after this one has looked."""
        monkeypatch.setattr(flight, "once", once)
        found.append(endpoint.locate())
        return once(key, function)

    monkeypatch.setattr(flight, "once", overtaken)
    assert [endpoint.locate()] == found
    assert [url for url, *_ in server.asked] == [where]


def test_a_herd_shares_a_failure_as_a_503_each() -> None:
    server = FakeServer(answered({}, 500))
    verifier = verifier_of(server)
    _, go_on = held(server)

    def fail() -> str:
        with pytest.raises(Unavailable) as caught:
            verify(verifier)
        return str(caught.value)

    with ThreadPoolExecutor(10) as pool:
        herd = [pool.submit(fail) for _ in range(10)]
        until(all_wait(verifier, 9))
        go_on.set()
        told = {each.result(SOON) for each in herd}
    assert told == {"https://id.example: introspection is answered by 500"}
    assert len(server.asked) == 1


def test_other_tokens_do_not_wait_for_one_that_is_being_asked_about() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    asked, go_on = held(server)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(verify, verifier, "slow")
        assert asked.wait(SOON)
        server.before = lambda: None
        assert is_taken(verifier, "quick")
        assert not slow.done()
        go_on.set()
        assert isinstance(slow.result(SOON), Authenticated)


def test_an_event_loop_goes_on_while_the_server_is_asked() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    asked, go_on = held(server)

    async def main() -> Verdict | None:
        flow = verifier.verify(BearerToken("t-1"))
        assert not isinstance(flow, Authenticated | Rejected)
        assert flow is not None
        pending: asyncio.Task[Verdict | None] = asyncio.create_task(_awaited(flow))
        while not asked.is_set():  # this loop turns: were it blocked, nobody would let the server go on
            await asyncio.sleep(0)
        go_on.set()
        return await pending

    assert isinstance(asyncio.run(main()), Authenticated)


def test_a_herd_on_one_event_loop_asks_once() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    asked, go_on = held(server)

    async def one() -> Verdict | None:
        found = verifier.verify(BearerToken("t-1"))
        return await run_async(found) if isinstance(found, Generator) else found

    async def main() -> list[Verdict | None]:
        herd = [asyncio.create_task(one()) for _ in range(100)]
        while not asked.is_set():
            await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*herd)

    verdicts = asyncio.run(main())
    assert all(isinstance(verdict, Authenticated) for verdict in verdicts)
    assert len(server.asked) == 1


async def _awaited(flow: Flow[Verdict]) -> Verdict | None:
    return await run_async(flow)


def test_a_server_that_takes_longer_than_a_store_may_is_waited_for_until_the_fetcher_gives_up() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    asked, go_on = held(server)

    async def main() -> Verdict | None:
        flow: Any = verifier.verify(BearerToken("t-1"))
        pending = asyncio.create_task(run_async(flow, store_timeout=0.001))
        while not asked.is_set():
            await asyncio.sleep(0)
        began = time.monotonic()
        while time.monotonic() < began + 0.02:  # many times what a store may take
            await asyncio.sleep(0)
        go_on.set()
        verdict: Verdict = await pending
        return verdict

    assert isinstance(asyncio.run(main()), Authenticated)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_waits_for_nobody_in_its_parent() -> None:
    flights = SingleFlight[str]()
    asked, go_on = threading.Event(), threading.Event()

    def hold() -> str:
        asked.set()
        go_on.wait(SOON)
        return "parent"

    thread = threading.Thread(target=flights.once, args=("key", hold))
    thread.start()
    assert asked.wait(SOON)
    child = os.fork()
    if child == 0:
        os._exit(0 if flights.once("key", lambda: "child") == "child" else 1)
    status = os.waitpid(child, 0)[1]
    go_on.set()
    thread.join(SOON)
    assert os.waitstatus_to_exitcode(status) == 0
