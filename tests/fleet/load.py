"""Requests of every kind that go on while something happens, and what each was answered."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from authmw.crypto.opaque_tokens import new_api_key
from tests.fleet.asking import PATIENCE, Answer, basic, bearer, log_in, refresh, revoke, whoami
from tests.fleet.backends import Backend
from tests.fleet.settings import PASSWORD

Call = Callable[[], Answer]
_PAUSE: Final = 0.03
"""Seconds between two requests of one kind: what is looked for is not how much a server can take."""


class Load:
    """What was answered so far, by the kind of request."""

    def __init__(self) -> None:
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.changed = threading.Condition()

    def wait_for(self, kinds: Iterable[str], arrived: Callable[[Answer], bool], *, count: int = 3) -> None:
        """Wait until so many answers of each kind have arrived."""
        every = list(kinds)

        def are_there() -> bool:
            return all(sum(map(arrived, self.answers[kind])) >= count for kind in every)

        with self.changed:
            assert self.changed.wait_for(are_there, PATIENCE), {
                kind: [(answer.status, round(answer.seconds, 2)) for answer in self.answers[kind]][-5:]
                for kind in every
            }


@contextmanager
def load(calls: Mapping[str, Call]) -> Generator[Load]:
    """Go on making each of `calls`, by a thread of its own, until the block ends."""
    running, ended = Load(), threading.Event()

    def go_on(kind: str, call: Call) -> None:
        while not ended.is_set():
            answer = call()
            with running.changed:
                running.answers[kind].append(answer)
                running.changed.notify_all()
            ended.wait(_PAUSE)

    with ThreadPoolExecutor(len(calls)) as threads:
        going = [threads.submit(go_on, kind, call) for kind, call in calls.items()]
        try:
            yield running
        finally:
            ended.set()
        for each in going:
            each.result()


class Refreshing:
    """A client that refreshes with the token it was answered last, again and again when there was no answer."""

    def __init__(self, port: int, username: str) -> None:
        self._port = port
        self.token: str = log_in(port, username).json["refresh_token"]

    def __call__(self) -> Answer:
        """Refresh once."""
        answer = refresh(self._port, self.token)
        if answer.status == 200:
            self.token = answer.json["refresh_token"]
        return answer


def good_calls(port: int, place: Backend, username: str) -> dict[str, Call]:
    """What is answered 200 while all is well."""
    key = place.add_user(username)
    access = log_in(port, username).json["access_token"]
    return {
        "access token": lambda: whoami(port, bearer(access)),
        "API key": lambda: whoami(port, {"X-API-Key": key}),
        "password": lambda: whoami(port, basic(username)),
        "log in": lambda: log_in(port, username),
        "refresh": Refreshing(port, username),
    }


def bad_calls(port: int, place: Backend, username: str) -> dict[str, Call]:
    """What is answered 401 while all is well: a token that was revoked, a key and a password that are nobody's."""
    revoked = log_in(port, username).json["access_token"]
    assert revoke(port, revoked).status == 200
    # Until then another process need not know.
    known_at = time.monotonic() + place.settings.bound
    while (answer := whoami(port, bearer(revoked))).asked_at < known_at:
        pass
    assert answer.status == 401
    unknown = new_api_key()
    return {
        "revoked token": lambda: whoami(port, bearer(revoked)),
        "unknown key": lambda: whoami(port, {"X-API-Key": unknown}),
        "wrong password": lambda: whoami(port, basic(username, f"not {PASSWORD}")),
    }
