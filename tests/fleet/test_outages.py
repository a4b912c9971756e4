"""A store that goes away under load: 503 with Retry-After in time, never a 401 or an unearned 200, and no restart."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import pytest
from sqlalchemy import make_url

from tests.fleet.asking import see_processes
from tests.fleet.backends import Backend, backend
from tests.fleet.load import bad_calls, good_calls, load
from tests.fleet.serving import serving
from tests.fleet.settings import PASSWORD
from tests.proxy import Proxy
from tests.servers.running import Server

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

TIMEOUT: Final = 2.0
"""Seconds that a store may take."""
SLACK: Final = 1.0
"""Seconds for everything else, on a machine that does something else too."""
IN_FLIGHT: Final = 0.1
"""Seconds in which what was on its way still arrives."""
FAULTS: Final[dict[str, Callable[[Proxy], None]]] = {"refused": Proxy.refuse, "silent": Proxy.fall_silent}
FLEETS: Final = [
    # Workers that serve one request at a time: as many as there are requests at once.
    ("gunicorn-sync", "postgresql", True, 8),
    ("gunicorn-sync", "redis", False, 8),
    ("gunicorn", "postgresql", False, 2),
    ("gunicorn", "redis", True, 2),
    ("uvicorn", "postgresql", True, 2),
    ("uvicorn", "redis", False, 2),
]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A server whose store may go away, and what does without the store."""

    server: Server
    backend: Backend
    unconcerned: frozenset[str]


@pytest.fixture(scope="module", params=FLEETS, ids=[f"{server}-{kind}" for server, kind, *_ in FLEETS])
def fleet(request: pytest.FixtureRequest) -> Generator[Fleet]:
    server, kind, jwt, workers = request.param
    with backend(kind, jwt=jwt, proxied=True) as place, serving(server, place.proxied, workers=workers) as running:
        see_processes(running.port, workers)
        # Beside Redis, keys are kept in a file.
        yield Fleet(running, place, frozenset({"API key", "unknown key"} if kind == "redis" else ()))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_err_3_a_store_that_is_away_is_a_503_in_time_and_nothing_else(
    fleet: Fleet, fault: Callable[[Proxy], None]
) -> None:
    port, [proxy] = fleet.server.port, fleet.backend.proxies
    name = fault.__name__
    good = good_calls(port, fleet.backend, name)
    bad = bad_calls(port, fleet.backend, name)
    with load(good | bad) as loaded:
        loaded.wait_for(good, lambda answer: answer.status == 200)
        loaded.wait_for(bad, lambda answer: answer.status == 401)
        fault(proxy)
        away_at = time.monotonic()
        stale_at = away_at + fleet.backend.settings.bound
        loaded.wait_for(good | bad, lambda answer: answer.asked_at > stale_at, count=1)
        back_at = time.monotonic()
        proxy.restore()
        loaded.wait_for(good, lambda answer: answer.asked_at > back_at and answer.status == 200)
        loaded.wait_for(bad, lambda answer: answer.asked_at > back_at and answer.status == 401)
    for kind, answers in loaded.answers.items():
        expected = 200 if kind in good else 401
        assert {answer.status for answer in answers} <= {expected, 503}, kind
        assert [answer.seconds for answer in answers if answer.seconds > TIMEOUT + SLACK] == [], kind
        assert all(int(answer.reply.header("retry-after")) > 0 for answer in answers if answer.status == 503), kind
        # While a feed is fresh, an access token needs no store.
        from_then = stale_at if kind == "access token" else away_at + IN_FLIGHT
        meanwhile = [each for each in answers if from_then < each.asked_at and each.answered_at < back_at]
        if kind == "revoked token":
            continue  # that one is known to be
        assert {answer.status for answer in meanwhile} == ({expected} if kind in fleet.unconcerned else {503}), kind
    _assert_quiet(fleet.server)


def test_a_file_that_another_writer_keeps_locked_is_a_503_for_those_who_write_only() -> None:
    with backend("sqlite") as place, serving("gunicorn", place.settings) as server:
        see_processes(server.port, 2)
        good = good_calls(server.port, place, "alice")
        reading, writing = {"access token", "API key"}, {"password", "log in", "refresh"}
        path = make_url(place.settings.database).database or ""
        with load(good) as loaded:
            loaded.wait_for(good, lambda answer: answer.status == 200)
            with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                locked_at = time.monotonic()
                loaded.wait_for(writing, lambda answer: answer.asked_at > locked_at and answer.status == 503, count=1)
                back_at = time.monotonic()
                writer.execute("COMMIT")
            loaded.wait_for(good, lambda answer: answer.asked_at > back_at and answer.status == 200)
        _assert_quiet(server)
    for kind, answers in loaded.answers.items():
        assert {answer.status for answer in answers} == ({200} if kind in reading else {200, 503}), kind
        assert [answer.seconds for answer in answers if answer.seconds > TIMEOUT + SLACK] == [], kind
        assert all(int(answer.reply.header("retry-after")) > 0 for answer in answers if answer.status == 503), kind


def _assert_quiet(server: Server) -> None:
    """Nothing went wrong in the server, and it told no secret."""
    printed = server.output()
    assert "Traceback" not in printed
    for secret in (PASSWORD, "rt_", "at_", "eyJ"):
        assert secret not in printed
