"""How long it takes until every process of a fleet honours a revocation that was made in one."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.fleet.asking import Answer, ask, bearer, log_in, refresh, revoke, see_processes, whoami
from tests.fleet.backends import Backend, backend
from tests.fleet.serving import serving

GRACE: Final = 30
SERVERS: Final = ("gunicorn", "gunicorn", "uvicorn", "uvicorn")
"""Two of Flask and two of Starlette, of one process each."""
_AFTERWARDS: Final = 0.3
"""Seconds in which it is looked whether a revocation is honoured for good."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Servers that share what they keep."""

    ports: tuple[int, ...]
    backend: Backend

    def revoke(self, kind: str, username: str, *, at: int) -> list[Delay]:
        """Revoke what a user just got from one server, at another one; how long each of them took to honour it.

        Args:
            kind: one of `REVOCATIONS`.
            username: who has not logged in before.
            at: the number of the server.
        """
        tokens = log_in(self.ports[at - 1], username).json
        for port in self.ports:
            # Each remembers the token by now.
            assert whoami(port, bearer(tokens["access_token"])).status == 200
        answered: Future[float] = Future()
        with ThreadPoolExecutor(len(self.ports)) as threads:
            using = [threads.submit(self._use, port, tokens["access_token"], answered) for port in self.ports]
            try:
                answered.set_result(REVOCATIONS[kind](self, at, tokens))
            except BaseException as error:
                answered.set_exception(error)
            return [Delay.of(answers.result(), answered.result()) for answers in using]

    def _use(self, port: int, token: str, revoked: Future[float]) -> list[Answer]:
        """What the token is answered, request after request, until it should have been refused for a while."""
        answers: list[Answer] = []
        refused_at = math.inf
        while True:
            answer = whoami(port, bearer(token))
            answers.append(answer)
            if answer.status != 200:
                refused_at = min(refused_at, answer.answered_at)
            if revoked.done():
                bound_at = revoked.result() + self.backend.settings.bound
                if answer.answered_at > max(revoked.result(), min(refused_at, bound_at)) + _AFTERWARDS:
                    return answers


@dataclass(frozen=True, slots=True)
class Delay:
    """How one server honoured one revocation.

    Args:
        seconds: from the answer to the revocation until the last request that was let pass began; 0 for none.
        statuses: what was answered, after the answer to the revocation, one of each run.
    """

    seconds: float
    statuses: tuple[int, ...]

    @classmethod
    def of(cls, answers: Sequence[Answer], revoked_at: float) -> Delay:
        """What follows from the answers."""
        after = [answer for answer in answers if answer.asked_at > revoked_at]
        passed = [answer.asked_at - revoked_at for answer in after if answer.status == 200]
        runs = [
            answer.status
            for number, answer in enumerate(after)
            if not number or after[number - 1].status != answer.status
        ]
        return cls(max(passed, default=0.0), tuple(runs))


def _revoke_token(fleet: Fleet, at: int, tokens: Mapping[str, str]) -> float:
    return _answered(revoke(fleet.ports[at], tokens["access_token"]))


def _end_login(fleet: Fleet, at: int, tokens: Mapping[str, str]) -> float:
    return _answered(revoke(fleet.ports[at], tokens["refresh_token"]))


def _log_out(fleet: Fleet, at: int, tokens: Mapping[str, str]) -> float:
    return _answered(ask(fleet.ports[at], "POST", "/log-out", bearer(tokens["access_token"])))


def _disable(fleet: Fleet, at: int, tokens: Mapping[str, str]) -> float:
    return _answered(ask(fleet.ports[at], "POST", "/disable", bearer(tokens["access_token"])))


def _reuse(fleet: Fleet, at: int, tokens: Mapping[str, str]) -> float:
    port, token = fleet.ports[at], tokens["refresh_token"]
    for _ in range(2):
        token = refresh(port, token).json["refresh_token"]
    # Not the token before the current one: that has its grace.
    return _answered(refresh(port, tokens["refresh_token"]), status=400)


def _answered(answer: Answer, *, status: int = 200) -> float:
    assert answer.status == status, answer
    return answer.answered_at


REVOCATIONS: Final[Mapping[str, Callable[[Fleet, int, Mapping[str, str]], float]]] = {
    "a token is revoked": _revoke_token,
    "a login is ended": _end_login,
    "a user logs out everywhere": _log_out,
    "a user is disabled": _disable,
    "a refresh token is used again": _reuse,
}
"""What is done at the server of that number; when it has answered."""


@contextmanager
def fleet_of(kind: str, *, jwt: bool, bound: float = 1.0) -> Generator[Fleet]:
    """Four servers on ``postgresql``, whose tables the feed polls, or on a ``fleet`` of it and Redis."""
    with ExitStack() as stack:
        place = stack.enter_context(backend(kind, jwt=jwt, grace=GRACE, bound=bound))
        servers = [stack.enter_context(serving(server, place.settings, workers=1)) for server in SERVERS]
        for server in servers:
            see_processes(server.port, 1)
        yield Fleet(tuple(server.port for server in servers), place)
