"""A verifier of passwords on a bench: how many hashes it makes, what it asks, and records that a test changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from authmw.crypto.passwords import CHEAPEST, Match, PasswordHasher
from authmw.flow.flow import Flow, run
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Verdict
from authmw.stores import MemoryRevocations, RevocationFeed
from authmw.stores.records import User
from authmw.testing import FakeClock
from authmw.verifiers.password import PasswordVerifier
from tests.drivers import DRIVERS, unshielded

HASHER: Final = PasswordHasher(CHEAPEST)
HOME, AWAY = "192.0.2.7", "198.51.100.9"
ALICE: Final = User("1", "alice", HASHER.hash("s3cret"), frozenset({"read"}))


class Hashing(PasswordHasher):
    """A hasher that counts, and that a test can stop and interrupt."""

    def __init__(self) -> None:
        super().__init__(CHEAPEST)
        self.passwords: list[str] = []
        self.release = threading.Event()
        self.release.set()
        self.meanwhile: Callable[[], object] = lambda: None

    def verify(self, *, password: str, hash: str) -> Match:
        self.passwords.append(password)
        assert self.release.wait(20)
        match = super().verify(password=password, hash=hash)
        self.meanwhile()
        return match

    @property
    def count(self) -> int:
        return len(self.passwords)


class Users:
    """A store whose records a test changes."""

    def __init__(self, *users: User) -> None:
        self.users = {user.username: user for user in users}
        self.asked: list[str] = []
        self.is_down = False

    def find(self, username: str) -> User | None:
        self.asked.append(username)
        if self.is_down:
            raise OSError
        return self.users.get(username)

    def change(self, username: str, **values: Any) -> None:
        self.users[username] = replace(self.users[username], **values)


class Bench:
    """A verifier, and everything that it asks."""

    def __init__(
        self, *users: User, driver: str = "sync", throttle: Any = None, store: Users | None = None, **options: Any
    ) -> None:
        self.users = store or Users(*(users or (ALICE,)))
        self.hasher = Hashing()
        self.clock = FakeClock(1000.0)
        self.throttle = throttle
        self.verifier = PasswordVerifier(self.users, hasher=self.hasher, throttle=throttle, clock=self.clock, **options)
        self._drive = DRIVERS[driver]

    def flow(self, username: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Flow[Verdict]:
        return unshielded(self.verifier.verify(BasicCredentials(username, password), request(source)))

    def verdict(self, username: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Verdict:
        answer: Verdict = self._drive(self.flow(username, password, source=source))
        return answer

    def opens(self, username: str = "alice", password: str = "s3cret", *, source: str = HOME) -> bool:
        return isinstance(self.verdict(username, password, source=source), Authenticated)

    def hashes(self, username: str = "alice", password: str = "s3cret", *, source: str = HOME) -> int:
        """How many hashes one more request costs."""
        before = self.hasher.count
        self.verdict(username, password, source=source)
        return self.hasher.count - before


def request(source: str = HOME) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": source})


def asked(flow: Flow[Verdict]) -> list[str]:
    """What a flow asks, by name."""
    names: list[str] = []
    every = unshielded(flow)

    def watched() -> Flow[Verdict]:
        answer: Any = None
        while True:
            try:
                question = every.send(answer)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]  # what the flow returned
            names.append(repr(question))
            answer = yield from question

    run(watched())
    return names


def fresh_feed(store: Any = None, **options: Any) -> RevocationFeed:
    """A feed that is fresh for long, and has no thread."""
    feed = RevocationFeed(store or MemoryRevocations(), bound=1000.0, **options)
    feed.follow_once()
    return feed
