"""Thirty-two that use one refresh token at once, in one process and in two (security.md, "Refresh & codes")."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Final

import pytest

from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from tests.fleet.asking import PATIENCE
from tests.fleet.backends import BACKENDS, backend
from tests.fleet.in_process import fresh_processes, in_process
from tests.fleet.settings import Settings
from tests.oauth2.asking import Bench

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

RACERS: Final = 32
ROUNDS: Final = 20

_start: Barrier | None = None


def _meet_at(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - a barrier is only inherited
    _start = start


def _meet_others() -> None:
    assert _start is not None
    _start.wait(PATIENCE)


def _refresh(settings: Settings, presented: list[str], racers: int) -> list[list[tuple[int, str, str]]]:
    """What so many threads of this process are answered, round by round."""
    start = threading.Barrier(racers, action=_meet_others)

    def refresh(bench: Bench, token: str) -> tuple[int, str, str]:
        start.wait(PATIENCE)
        answer = bench.refresh(token)
        while answer.status == 503:  # so many writers may be too many for a file, on a slow machine
            answer = bench.refresh(token)
        return answer.status, answer.json.get("refresh_token", answer.error), answer.json.get("access_token", "")

    with in_process(settings) as bench, ThreadPoolExecutor(racers) as threads:
        return [list(threads.map(refresh, [bench] * racers, [token] * racers)) for token in presented]


def race(settings: Settings, presented: list[str], processes: int) -> Generator[list[tuple[int, str, str]]]:
    """Let all present one token after the other, each at once."""
    context = fresh_processes()
    pool = ProcessPoolExecutor(processes, context, _meet_at, (context.Barrier(processes),))
    with pool:
        racing = [pool.submit(_refresh, settings, presented, RACERS // processes) for _ in range(processes)]
        of_each = [answers.result(timeout=120) for answers in racing]
    for number in range(len(presented)):
        yield [answer for process in of_each for answer in process[number]]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("kind", BACKENDS)
def test_within_the_grace_all_get_one_successor(kind: str, processes: int) -> None:
    with backend(kind, grace=60) as place, in_process(place.settings) as bench:
        place.add_user("alice")
        presented = [bench.log_in().json["refresh_token"] for _ in range(ROUNDS)]
        for answers in race(place.settings, presented, processes):
            assert Counter(status for status, *_ in answers) == {200: RACERS}
            [successor] = {successor for _, successor, _ in answers}
            assert bench.refresh(successor).status == 200
            # Each has an access token of its own, which counts.
            assert len({access for *_, access in answers}) == RACERS
            assert isinstance(bench.verified(answers[-1][2]), Principal)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("kind", BACKENDS)
def test_without_a_grace_one_gets_a_successor_and_the_others_end_the_login(kind: str, processes: int) -> None:
    with backend(kind, grace=0) as place, in_process(place.settings) as bench:
        place.add_user("alice")
        presented = [bench.log_in().json["refresh_token"] for _ in range(ROUNDS)]
        for answers in race(place.settings, presented, processes):
            assert Counter(status for status, *_ in answers) == {200: 1, 400: RACERS - 1}
            [(successor, access)] = [(successor, access) for status, successor, access in answers if status == 200]
            assert {error for status, error, _ in answers if status == 400} == {"invalid_grant"}
            assert bench.refresh(successor).error == "invalid_grant"
            verdict = bench.verified(access)
            assert isinstance(verdict, Rejected)
            assert verdict.reason is Reason.TOKEN_REVOKED
