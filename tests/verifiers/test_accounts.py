"""Attempts are limited so that guessing is slow, strangers lock nobody out, and no answer tells who exists."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
import trio

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.errors import ConfigurationError, FlowError, Overloaded, StoreUnavailable, Unavailable
from authmw.flow.flow import Flow, Work, run, run_async
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores import MemoryThrottle
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, User, Wait
from authmw.verifiers.accounts import FAMILIAR_FOR, Attempts, mark_of, network_key
from authmw.verifiers.password import PasswordVerifier
from tests.drivers import unshielded
from tests.verifiers.digest_clients import Server
from tests.verifiers.throttles import Throttle

HASHER = PasswordHasher(CHEAPEST)
ALICE = User("1", "alice", HASHER.hash("s3cret"))
HOME, AWAY = "192.0.2.7", "198.51.100.9"
DAY = 86_400.0


class Users:
    """A store that knows alice."""

    def find(self, username: str) -> User | None:
        return ALICE if username == "alice" else None


class Door:
    """A login whose time a test sets."""

    def __init__(self, throttle: Any) -> None:
        self.now = 1000.0
        # Each login is checked: what is remembered is not asked for at the throttle.
        self.verifier = PasswordVerifier(
            Users(), hasher=HASHER, throttle=throttle, remember_for=0, clock=lambda: self.now
        )

    def knock(self, name: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Verdict:
        return run(self.flow(name, password, source=source))

    def flow(self, name: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Flow[Verdict]:
        return self.verifier.verify(BasicCredentials(name, password), request(source))

    def opens(self, *, source: str = HOME) -> bool:
        return isinstance(self.knock(source=source), Authenticated)


def request(source: str = HOME) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": source})


def strangers(count: int) -> list[str]:
    return [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


def wrong() -> Flow[str | Rejected]:
    """A check that fails, without hashing anything."""
    yield from ()
    return Rejected(Reason.PASSWORD_WRONG)


def right() -> Flow[str | Rejected]:
    yield from ()
    return "alice"


def attack(throttle: Any, account: str = "alice", *, guesses: int = 10_000, now: float = 1000.0) -> None:
    """What `guesses` strangers' wrong passwords leave behind."""
    attempts = Attempts(throttle, lambda: now)
    for source in strangers(guesses):
        run(attempts.on_account(account, request(source), wrong()))


def test_ten_thousand_strangers_do_not_lock_out_a_familiar_source() -> None:
    door = Door(throttle := MemoryThrottle())
    assert door.opens()
    attack(throttle)
    assert door.opens()


def test_strangers_who_go_on_for_a_day_do_not_make_a_familiar_source_wait() -> None:
    door = Door(throttle := MemoryThrottle())
    assert door.opens()
    for _ in range(24 * 4):
        door.now += 900.0
        attack(throttle, guesses=20, now=door.now)
        assert door.opens()


def test_an_unfamiliar_source_waits_for_its_turn_and_no_longer_than_a_minute_for_one_network() -> None:
    door = Door(throttle := MemoryThrottle())
    attack(throttle, guesses=11)
    assert door.knock(source=AWAY) == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)
    door.now += 60.0
    attack(throttle, guesses=11, now=door.now)
    assert door.opens(source=AWAY)


def test_one_who_guesses_from_a_familiar_source_waits_there_and_nobody_elsewhere_does() -> None:
    door = Door(MemoryThrottle(free=3))
    for source in (HOME, AWAY):
        assert door.opens(source=source)
    refusals = [door.knock(password="wrong", source=HOME) for _ in range(4)]
    assert [each.reason for each in refusals if isinstance(each, Rejected)][-1] is Reason.TOO_MANY_ATTEMPTS
    assert door.opens(source=AWAY)


def test_a_source_is_familiar_for_thirty_days_and_each_day_of_use_renews_that() -> None:
    door = Door(throttle := Throttle())
    assert door.opens()
    [(account, mark, until)] = throttle.familiar
    assert (account, until) == ("account:alice", 1000.0 + FAMILIAR_FOR)
    assert until == 1000.0 + 30 * DAY
    throttle.known_until = until
    door.now += DAY - 1.0
    assert door.opens()
    assert len(throttle.familiar) == 1, "with Basic each request is a login"
    door.now += 2.0
    assert door.opens()
    assert throttle.familiar[1:] == [("account:alice", mark, door.now + 30 * DAY)]


def test_a_source_that_is_not_used_for_thirty_days_is_a_stranger_again() -> None:
    door = Door(throttle := MemoryThrottle())
    assert door.opens()
    door.now += 30 * DAY
    attack(throttle, guesses=20, now=door.now)
    assert door.knock() == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)


@pytest.mark.parametrize("password", ["wrong", ""])
def test_no_source_becomes_familiar_by_a_wrong_password(password: str) -> None:
    door = Door(throttle := Throttle())
    door.knock(password=password)
    assert throttle.familiar == []


def test_no_source_becomes_familiar_by_a_right_password_that_was_not_checked() -> None:
    door = Door(throttle := Throttle(account_alice=60.0))
    assert not door.opens()
    assert throttle.familiar == []


def test_nothing_is_stored_that_tells_who_was_where() -> None:
    door = Door(throttle := Throttle())
    assert door.opens()
    [(_, mark, _)] = throttle.familiar
    assert mark == mark_of("account:alice", f"source:{HOME}")
    assert re.fullmatch("[0-9a-f]{64}", mark)


def test_a_user_name_that_looks_like_another_account_and_source_counts_for_nobody_else() -> None:
    door = Door(throttle := MemoryThrottle(free=2))
    assert door.opens()
    mark = mark_of("account:alice", f"source:{HOME}")
    for source in strangers(50):
        for name in (mark, f"alice source:{HOME}", f"source:{HOME}", "account:alice"):
            run(Attempts(throttle, lambda: 1000.0).on_account(name, request(source), wrong()))
    assert door.opens()


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_class_16_the_store_is_asked_the_same_about_users_who_do_not_exist(name: str) -> None:
    door = Door(throttle := Throttle())
    verdict = door.knock(name, "wrong", source=AWAY)
    assert isinstance(verdict, Rejected)
    assert verdict.reason.public_code == "authmw.credentials-invalid"
    account, source = f"account:{name}", f"source:{AWAY}"
    attempt = Attempt(source, account, "198.51.100.0/24", (mark_of(account, source),))
    assert throttle.settled == [(attempt, AttemptOutcome.FAILED)]


def test_class_28_digest_and_passwords_share_what_is_familiar() -> None:
    door = Door(throttle := MemoryThrottle())
    assert door.opens()
    attack(throttle)
    server = Server(throttle=throttle)
    server.clock.now = door.now
    assert isinstance(server.answer(server.client(username="alice").request(REMOTE_ADDR=HOME)), Authenticated)
    answer = server.answer(server.client(username="alice").request(REMOTE_ADDR=AWAY))
    assert answer == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)


def test_sixteen_right_passwords_at_once_are_never_called_wrong() -> None:
    throttle = MemoryThrottle()
    attempts = Attempts(throttle, lambda: 1000.0)
    sources = [HOME] * 16 + strangers(16)
    flows = [unshielded(attempts.on_account("alice", request(source), slow())) for source in sources]
    for flow in flows:
        with suppress(StopIteration):
            question = next(flow)
            while "reserve" in repr(question):
                question = flow.send(question.function(*question.args))
    ended = [finish(flow) for flow in flows if flow.gi_frame is not None]  # type: ignore[attr-defined]
    assert set(ended) == {"alice"}
    assert len(ended) == 10
    assert run(attempts.on_account("alice", request(), right())) == "alice"


def slow() -> Flow[str | Rejected]:
    """A check that is in flight until it is driven on."""
    yield Work(str)
    return "alice"


def finish(flow: Flow[str | Rejected]) -> str | Rejected:
    answer: object = None
    try:
        while True:
            question = flow.send(answer)
            answer = question.function(*question.args)
    except StopIteration as done:
        result: str | Rejected = done.value
        return result


@pytest.mark.parametrize("down", ["users", "hashing"])
def test_an_outage_makes_nobody_wait_after_it(down: str) -> None:
    """Whatever was taken before the store or the pool failed is given back, and nobody counts as a guesser."""

    def fails(*_: object, **__: object) -> Any:
        raise OSError if down == "users" else Overloaded

    class Down:
        find = fails

    class Busy(PasswordHasher):
        verify = fails

    throttle = MemoryThrottle()
    users: Any = Down() if down == "users" else Users()
    hasher = Busy(CHEAPEST) if down == "hashing" else HASHER
    by = PasswordVerifier(users, hasher=hasher, throttle=throttle, clock=lambda: 1000.0)
    for source in [HOME] * 40 + strangers(40):
        with pytest.raises(Unavailable):
            run(by.verify(BasicCredentials("alice", "s3cret"), request(source)))
    assert len(throttle) == 0
    assert Door(throttle).opens(source=AWAY)


def test_a_store_that_fails_when_it_is_to_give_back_does_not_hide_what_failed_before() -> None:
    class Failing(Throttle):
        def settle(
            self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
        ) -> None:
            raise OSError

    def broken() -> Flow[str | Rejected]:
        yield from ()
        raise Overloaded

    with pytest.raises(Overloaded):
        run(Attempts(Failing(), lambda: 1000.0).on_account("alice", request(), broken()))
    for check in (wrong(), right()):
        with pytest.raises(StoreUnavailable):
            run(Attempts(Failing(), lambda: 1000.0).on_account("alice", request(), check))


def test_one_whose_worker_is_gone_in_the_middle_holds_the_check_for_half_a_minute_only() -> None:
    throttle = MemoryThrottle(free=1)
    attempts = Attempts(throttle, lambda: now[0])
    now = [1000.0]
    flow = unshielded(attempts.on_account("alice", request(), slow()))
    next(flow)  # the check is reserved, and begins
    flow.close()
    assert run(attempts.on_account("alice", request(AWAY), right())) == Rejected(
        Reason.ACCOUNT_THROTTLED, retry_after=1
    )
    now[0] += 30.0
    assert run(attempts.on_account("alice", request(AWAY), right())) == "alice"


class Steps:
    """A check and a throttle, one of which goes on when a test lets it, on whichever event loop."""

    def __init__(self, result: str | Rejected, step: str) -> None:
        self.result = result
        self.step = step
        self.reached = threading.Event()
        self.may_go_on = threading.Event()
        self.throttle = MemoryThrottle(free=1)

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        reserved = self.throttle.reserve(attempt, now)
        self._stop_at("reserve")
        return reserved

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        self.throttle.settle(reservation, outcome, now, familiar_until)

    def make_familiar(self, account: str, mark: str, until: float) -> None: ...

    def check(self) -> Flow[str | Rejected]:
        return (yield from Work(self._checked))

    def _checked(self) -> str | Rejected:
        self._stop_at("check")
        return self.result

    def _stop_at(self, step: str) -> None:
        if step == self.step:
            self.reached.set()
            assert self.may_go_on.wait(10)


def _cancelled_in_asyncio(steps: Steps, flow: Flow[str | Rejected]) -> None:
    async def main() -> None:
        asking = asyncio.create_task(run_async(flow))
        assert await asyncio.to_thread(steps.reached.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        steps.may_go_on.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=10)

    asyncio.run(main())


def _cancelled_in_a_scope_of_anyio(steps: Steps, flow: Flow[str | Rejected]) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(run_async, flow)
            assert await asyncio.to_thread(steps.reached.wait, 10)
            group.cancel_scope.cancel()
        steps.may_go_on.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=10)

    asyncio.run(main())


def _cancelled_in_trio(steps: Steps, flow: Flow[str | Rejected]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_async, flow)
            assert await trio.to_thread.run_sync(steps.reached.wait, 10)
            nursery.cancel_scope.cancel()
            steps.may_go_on.set()

    trio.run(main)


@pytest.mark.parametrize("cancelled", [_cancelled_in_asyncio, _cancelled_in_a_scope_of_anyio, _cancelled_in_trio])
@pytest.mark.parametrize("step", ["reserve", "check"])
@pytest.mark.parametrize("result", ["alice", Rejected(Reason.PASSWORD_WRONG)], ids=["right", "wrong"])
def test_a_check_whose_client_has_gone_is_finished_and_counts_as_what_it_was(
    cancelled: Callable[[Steps, Flow[str | Rejected]], None], step: str, result: str | Rejected
) -> None:
    steps = Steps(result, step)
    attempts = Attempts(steps, lambda: 1000.0)
    cancelled(steps, attempts.on_account("alice", request(), steps.check()))
    again = run(attempts.on_account("alice", request(AWAY), right()))
    assert again == ("alice" if result == "alice" else Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60))


def test_what_fails_after_its_client_has_gone_is_reported_to_nobody() -> None:
    reported: list[object] = []
    steps = Steps("alice", "check")

    def check() -> Flow[str | Rejected]:
        yield from steps.check()
        raise Overloaded

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        asking = asyncio.create_task(run_async(Attempts(steps, lambda: 1000.0).on_account("alice", request(), check())))
        assert await asyncio.to_thread(steps.reached.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        steps.may_go_on.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=10)
        gc.collect()

    asyncio.run(main())
    assert reported == []
    assert isinstance(steps.throttle.reserve(Attempt("", "account:alice"), 1000.0), Reservation)


@pytest.mark.parametrize("answer", [None, 0.0, True, "yes"], ids=repr)
def test_a_throttle_that_answers_something_else_is_a_mistake(answer: object) -> None:
    class Wrong(Throttle):
        def reserve(self, attempt: Attempt, now: float) -> Any:
            return answer

    with pytest.raises(FlowError, match="Reservation or a Wait"):
        run(Attempts(Wrong(), lambda: 1000.0).on_account("alice", request(), right()))


@pytest.mark.parametrize("verb", ["reserve", "settle", "make_familiar"])
def test_a_throttle_that_lacks_a_method_is_refused_at_construction(verb: str) -> None:
    lacking = type("Lacking", (Throttle,), {verb: None})
    with pytest.raises(ConfigurationError, match=rf"\.{verb}"):
        PasswordVerifier(Users(), throttle=lacking())


def test_a_random_secret_that_is_right_is_one_question_and_is_never_held_back_by_others_in_flight() -> None:
    throttle = Throttle()
    attempts = Attempts(throttle, lambda: 1000.0)
    assert run(attempts.from_source(request(), right(), guessable=False)) == "alice"
    assert throttle.settled == []
    run(attempts.from_source(request(), wrong(), guessable=False))
    assert throttle.outcomes == [AttemptOutcome.FAILED]


@pytest.mark.parametrize(
    "client, network",
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:0:8::1", "2001:db8::/48"),
        ("2001:db8:1::1", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_networks_take_turns(client: str, network: str) -> None:
    assert network_key(client) == network


def test_both_drivers_agree() -> None:
    async def by_loop() -> list[Verdict]:
        door = Door(MemoryThrottle(free=2))
        return [await run_async(door.flow(password=password)) for password in ("s3cret", "wrong", "wrong", "wrong")]

    door = Door(MemoryThrottle(free=2))
    by_call = [door.knock(password=password) for password in ("s3cret", "wrong", "wrong", "wrong")]
    assert asyncio.run(by_loop()) == by_call


def test_a_server_that_tells_no_source_throttles_nobody_for_what_has_no_account() -> None:
    class Asked:
        def reserve(self, attempt: object, now: float) -> Any:
            raise AssertionError("all callers would share one count")

        def settle(self, *_: object) -> None: ...

        def make_familiar(self, *_: object) -> None: ...

    def check() -> Flow[Rejected]:
        yield from ()
        return Rejected(Reason.TOKEN_UNKNOWN)

    attempts = Attempts(Asked(), lambda: 1000.0)
    assert run(attempts.from_source(request(""), check())) == Rejected(Reason.TOKEN_UNKNOWN)
    with pytest.raises(StoreUnavailable):
        run(attempts.from_source(request(HOME), check()))
    with pytest.raises(StoreUnavailable):
        run(attempts.on_account("alice", request(""), check()))
