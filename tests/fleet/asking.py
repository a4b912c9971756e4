"""A client of the servers of a fleet: one connection for each request, and how long each answer took."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from tests.fleet.settings import PASSWORD
from tests.servers.running import Reply, exchange, raw_request

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds after which a test gives up waiting for others."""
Headers = Mapping[str, str]
_NONE: Final[Headers] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and when it was asked for and given, on the clock that is never set."""

    reply: Reply
    asked_at: float
    answered_at: float

    @property
    def status(self) -> int:
        """The status code."""
        return self.reply.status

    @property
    def json(self) -> dict[str, Any]:
        """The members of the body."""
        members: dict[str, Any] = json.loads(self.reply.body)
        return members

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.answered_at - self.asked_at


def ask(port: int, method: str, path: str, headers: Headers = _NONE, form: Mapping[str, str] | None = None) -> Answer:
    """Ask, and read the whole answer."""
    sent = [(b"Connection", b"close"), *((name.encode(), value.encode("latin-1")) for name, value in headers.items())]
    body = b""
    if form is not None:
        sent.append((b"Content-Type", b"application/x-www-form-urlencoded"))
        body = urlencode(form).encode()
    elif method == "POST":
        sent.append((b"Content-Length", b"0"))
    asked_at = time.monotonic()
    reply = exchange(port, raw_request(method, path, sent, body), method=method)
    return Answer(reply, asked_at, time.monotonic())


def bearer(token: str) -> Headers:
    """The header of an access token."""
    return {"Authorization": f"Bearer {token}"}


def basic(username: str, password: str = PASSWORD) -> Headers:
    """The header of a user with a password."""
    return {"Authorization": f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}


def whoami(port: int, headers: Headers) -> Answer:
    """Use credentials."""
    return ask(port, "GET", "/whoami", headers)


def log_in(port: int, username: str) -> Answer:
    """Log in by the password."""
    return post(port, "/auth/token", grant_type="password", username=username, password=PASSWORD)


def refresh(port: int, token: str) -> Answer:
    """Refresh."""
    return post(port, "/auth/token", grant_type="refresh_token", refresh_token=token)


def revoke(port: int, token: str) -> Answer:
    """Revoke."""
    return post(port, "/auth/revoke", token=token, client_id="first-party")


def post(port: int, path: str, **form: str) -> Answer:
    """Post a form."""
    return ask(port, "POST", path, form=form)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls answer, made by a thread each that start together."""
    start = Barrier(len(calls))

    def call(each: Callable[[], T]) -> T:
        start.wait(PATIENCE)
        return each()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def see_processes(port: int, count: int) -> set[int]:
    """Wait until that many processes serve `port`; their ids."""
    deadline = time.monotonic() + PATIENCE
    seen: set[int] = set()
    while len(seen) < count:
        seen |= {answer.json["process"] for answer in at_once([lambda: ask(port, "GET", "/process")] * 8)}
        assert time.monotonic() < deadline, f"{len(seen)} of {count} processes answer"
    return seen
