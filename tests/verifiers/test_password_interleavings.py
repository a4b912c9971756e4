"""Requests in any order, with changes of the user, cancellations and failures between any two of their steps.

Whoever is let in could have been at some moment of the request: the user existed, was enabled and had that password.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import pytest

from authmw.errors import Overloaded, Unavailable
from authmw.flow.flow import Join
from authmw.http.reasons import Reason
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores import MemoryThrottle
from authmw.stores.records import User
from tests.drivers import unshielded
from tests.verifiers.password_bench import AWAY, HASHER, HOME, Bench

PASSWORDS: Final = ("one", "two", "three")
HASHES: Final = {password: tuple(HASHER.hash(password) for _ in range(2)) for password in PASSWORDS}
REQUESTS: Final = 25


class Cancelled(BaseException):
    """As of a task that is cancelled, or of a greenlet that is killed."""


@dataclass
class Running:
    """A request under way, and the question that it waits for."""

    flow: Any
    password: str
    question: Any = None
    could_be_let_in: bool = False


class World:
    """One user, whose record changes, and requests with its name."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.throttle = MemoryThrottle(free=1000)
        self.bench = Bench(User("1", "alice", HASHES["one"][0]), throttle=self.throttle)
        self.password: str | None = "one"
        self.running: list[Running] = []
        self.seen: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        """Run all requests to their ends."""
        left = REQUESTS
        while left or self.running:
            choice = self.random.random()
            if left and (choice < 0.3 or not self.running):
                left -= 1
                self._begin()
            elif choice < 0.4:
                self._change()
            elif choice < 0.43:
                self.bench.clock.advance(self.random.choice((1.0, 30.0, -10.0)))
            else:
                self._step()
        memory = self.bench.verifier._memory  # pyright: ignore[reportPrivateUsage]
        assert memory is not None
        assert memory.flights.waiting == 0
        assert not memory.flights._calls, "a call was not ended"  # pyright: ignore[reportPrivateUsage]
        return self.seen

    def _begin(self) -> None:
        password, source = self.random.choice(PASSWORDS), self.random.choice((HOME, HOME, AWAY))
        request = Running(unshielded(self.bench.flow(password=password, source=source)), password)
        self.running.append(request)
        self._note()
        self._resume(request, request.flow.__next__)

    def _change(self) -> None:
        user = self.bench.users.users["alice"]
        self.password = self.random.choice((*PASSWORDS, None))
        disabled, stored = self.password is None, self.random.choice(HASHES[self.password or "one"])
        self.bench.users.change("alice", password_hash=stored, disabled=disabled, id=user.id)
        self._note()

    def _note(self) -> None:
        for each in self.running:
            each.could_be_let_in |= each.password == self.password

    def _step(self) -> None:
        ready = [each for each in self.running if not self._waits(each)]
        assert ready, "each waits for another one"
        request = self.random.choice(ready)
        question, choice = request.question, self.random.random()
        if choice < 0.05:
            self._resume(request, lambda: request.flow.throw(Cancelled()))
        elif choice < 0.08 and not isinstance(question, Join):
            self._resume(request, lambda: request.flow.throw(Overloaded("the queue is full")))
        else:
            answer = question.function(*question.args, **question.kwargs)
            self._resume(request, lambda: request.flow.send(answer))

    def _waits(self, request: Running) -> bool:
        return isinstance(request.question, Join) and not request.question.call.over.is_set()

    def _resume(self, request: Running, resume: Any) -> None:
        try:
            request.question = resume()
            self.seen[type(request.question).__name__] += 1
            return
        except StopIteration as done:
            self._judge(request, done.value)
        except Cancelled:
            self.seen["cancelled"] += 1
        except Unavailable:
            self.seen["unavailable"] += 1
        self.running.remove(request)

    def _judge(self, request: Running, verdict: Verdict) -> None:
        if isinstance(verdict, Authenticated):
            assert request.could_be_let_in, f"{request.password} was never the password during the request"
            self.seen["let in"] += 1
        else:
            assert isinstance(verdict, Rejected)
            assert verdict.reason in (Reason.PASSWORD_WRONG, Reason.USER_DISABLED)
            self.seen["refused"] += 1


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_who_is_let_in_could_have_been_at_some_moment_of_the_request(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 100):
        seen += World(seed).run()
    assert all(seen[each] > 20 for each in ("let in", "refused", "cancelled", "unavailable", "Join", "Work")), seen
