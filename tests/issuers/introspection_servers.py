"""An authorization server for tests of introspection, in this process: it answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from authmw.issuers.fetching.fetch import Fetched
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.testing.clock import FakeClock

URL: Final = "https://id.example/introspect"
SECRET: Final = "s3cr3t-of-the-api"
NOW: Final = 1_800_000_000.0
ACTIVE: Final[Mapping[str, Any]] = {
    "active": True,
    "sub": "alice",
    "client_id": "shop",
    "aud": "orders",
    "scope": "orders:read orders:write",
    "exp": NOW + 600,
    "token_type": "Bearer",
}
INACTIVE: Final[Mapping[str, Any]] = {"active": False}


class FakeServer:
    """A `Fetcher`. Each answer is a document, a `Fetched`, or an exception to raise."""

    def __init__(self, answer: object = ACTIVE) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.public: list[bool] = []
        self.documents: dict[str, object] = {}
        """What is at other URLs than the endpoint's."""
        self.before: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        with self._lock:
            self.asked.append((url, dict(form or {}), dict(headers or {})))
            self.public.append(public)
        if form is None:
            return answered(self.documents[url]) if url in self.documents else answered({}, 404)
        self.before()
        answer = self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Fetched) else answered(answer)


def answered(document: object, status: int = 200) -> Fetched:
    """An answer in JSON."""
    return Fetched(status, {"content-type": "application/json"}, json.dumps(document).encode())


def verifier_of(server: FakeServer, clock: FakeClock | None = None, **options: Any) -> IntrospectionVerifier:
    """A verifier that asks `server`."""
    given: dict[str, Any] = {"audience": "orders", "client_id": "orders-api", "client_secret": SECRET, **options}
    return IntrospectionVerifier(URL, fetcher=server, clock=clock or FakeClock(NOW), **given)
