"""Requests of every kind that go on for as long as the soak does, each with the answers that are right for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import requests
from requests.auth import HTTPDigestAuth

from authmw.crypto.opaque_tokens import new_api_key
from tests.fleet.asking import Answer, ask, basic, bearer, log_in, whoami
from tests.fleet.backends import Backend
from tests.fleet.settings import API_CLIENT, PASSWORD
from tests.servers.running import Reply
from tests.soak.logins import Bound, Introspected, Pages, Session
from tests.soak.notes import Check, Notes, Seen, is_of

PAUSE: Final = 0.15
"""Seconds between two requests of one kind: what is looked for is not how much a server can take."""
_PREFLIGHT: Final = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
Step = Callable[[str], object]
"""Makes the requests of one kind once; it is told the name of the kind."""


class Traffic:
    """The requests of all kinds to several servers, each kind in a thread of its own.

    Args:
        place: where the users are.
        ports: of the servers.
        pause: seconds between two requests of one kind.
    """

    def __init__(self, place: Backend, ports: Mapping[str, int], pause: float = PAUSE) -> None:
        self._place = place
        self._ports = ports
        self._pause = pause
        self._notes = Notes(place.settings.bound)
        self._numbers = count()
        self.errors: list[BaseException] = []
        """Bugs of the soak itself."""

    def taken(self) -> list[Seen]:
        """What was seen since the last time."""
        return self._notes.taken()

    @contextmanager
    def going(self) -> Generator[None]:
        """Ask until the block ends."""
        steps = [(f"{server}: {kind}", step) for server in self._ports for kind, step in self._kinds(server).items()]
        threads = [threading.Thread(target=self._go_on, args=each, daemon=True) for each in steps]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._notes.ended.set()
            for thread in threads:
                thread.join(30)

    def _go_on(self, kind: str, step: Step) -> None:
        while not self._notes.ended.wait(self._pause):
            try:
                step(kind)
            except BaseException as error:
                self.errors.append(error)
                raise

    def _kinds(self, server: str) -> dict[str, Step]:
        port, place, notes = self._ports[server], self._place, self._notes
        other = next((each for each in self._ports.values() if each != port), port)
        name = f"user-{server}"
        key = place.add_user(name, digest=True)
        return {
            **self._single(port, name, key),
            "access token": Session(notes, port, name).use,
            "refresh": Session(notes, port, f"refreshing-{server}", place).refresh,
            "revoke": Session(notes, port, f"revoking-{server}", place, other).revoke,
            "log out": Session(notes, port, f"leaving-{server}", place, other).log_out,
            "introspection": Introspected(notes, port, f"introspected-{server}", place, other),
            "cookies": Pages(notes, port, f"browsing-{server}", place, other),
            "DPoP": Bound(notes, port, f"proving-{server}", place, other),
        }

    def _single(self, port: int, name: str, key: str) -> dict[str, Step]:
        """The kinds that are one request each."""
        unknown = new_api_key()
        secret = self._place.settings.api_secret or ""
        grant = {"grant_type": "client_credentials"}
        url = f"http://127.0.0.1:{port}/whoami"

        def digest() -> Answer:
            asked_at = time.monotonic()
            given = requests.get(url, auth=HTTPDigestAuth(name, PASSWORD), timeout=10)
            return Answer(Reply(given.status_code, (), given.content), asked_at, time.monotonic())

        good: dict[str, Callable[[], Answer]] = {
            "API key": lambda: whoami(port, {"X-API-Key": key}),
            "password": lambda: whoami(port, basic(name)),
            "Digest": digest,
        }
        bad: dict[str, Callable[[], Answer]] = {
            "unknown key": lambda: whoami(port, {"X-API-Key": unknown}),
            "wrong password": lambda: whoami(port, basic(name, "not the password")),
            "made-up token": lambda: whoami(port, bearer(f"made-up-{next(self._numbers)}")),
            "no credentials": lambda: whoami(port, {}),
        }
        return {
            **{kind: self._step(call, (200,), is_of(name)) for kind, call in good.items()},
            **{kind: self._step(call, (401,)) for kind, call in bad.items()},
            "log in": self._step(lambda: log_in(port, name), (200,)),
            "client": self._step(lambda: ask(port, "POST", "/auth/token", basic(API_CLIENT, secret), grant), (200,)),
            "public page": self._step(lambda: ask(port, "GET", "/process"), (200,), needs_store=False),
            "preflight": self._step(
                lambda: ask(port, "OPTIONS", "/whoami", _PREFLIGHT), (200, 204, 405), needs_store=False
            ),
        }

    def _step(
        self, call: Callable[[], Answer], right: tuple[int, ...], check: Check | None = None, **options: Any
    ) -> Step:
        return lambda kind: self._notes.note(kind, call, right, check, **options)
