"""A process that logs in, refreshes and revokes until it is killed, and a fresh one that looks at what it left."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, Literal, NamedTuple
from uuid import uuid4

from authmw.crypto.jws import write
from authmw.crypto.keyring import Key
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.oauth2.client_authentication import ASSERTION_TYPE
from tests.fleet.asking import PATIENCE
from tests.fleet.backends import Backend
from tests.fleet.in_process import fresh_processes, in_process
from tests.fleet.settings import Settings
from tests.oauth2.asking import ISSUER, Answer, Bench

REFRESHES: Final = 3
KEY: Final = Key.generate("ES256")
_STEPS: Final = 40
"""Messages after which it is killed, at most."""
_WITHIN: Final = 0.006
"""Seconds after the last of them, at most: about what a step takes."""
_LOOKED_AT: Final = 2
"""Logins that are refreshed afterwards: the latest ones."""

Step = Literal["log in", "refresh", "use assertion", "revoke token", "end login"]


class Told(NamedTuple):
    """What the process said.

    Args:
        step: what it does.
        is_done: whether the service has answered; else it is about to be asked.
        presented: the token or assertion that is presented.
        refresh: the refresh token that was given.
        access: the access token that was given.
    """

    step: Step
    is_done: bool
    presented: str = ""
    refresh: str = ""
    access: str = ""


@dataclass(slots=True)
class Login:
    """What is known of one login.

    Args:
        refreshes: its refresh tokens, as they were answered.
        accesses: its access tokens, likewise.
        revoked: those whose revocation was answered.
        in_doubt: those whose revocation was begun.
        end: how far its end has come.
    """

    refreshes: list[str]
    accesses: list[str]
    revoked: set[str] = field(default_factory=set[str])
    in_doubt: set[str] = field(default_factory=set[str])
    end: Literal["not asked for", "asked for", "answered"] = "not asked for"


@dataclass(frozen=True, slots=True)
class Left:
    """What a killed process had been answered.

    Args:
        logins: oldest first.
        used: the assertions.
        was_in_a_step: whether it died between a question and its answer.
    """

    logins: list[Login]
    used: list[str]
    was_in_a_step: bool

    @classmethod
    def of(cls, told: list[Told]) -> Left:
        """What follows from the messages."""
        logins: list[Login] = []
        used: list[str] = []
        for each in told:
            match each.step, each.is_done:
                case "log in", True:
                    logins.append(Login([each.refresh], [each.access]))
                case "refresh", True:
                    logins[-1].refreshes.append(each.refresh)
                    logins[-1].accesses.append(each.access)
                case "revoke token", done:
                    (logins[-1].revoked if done else logins[-1].in_doubt).add(each.presented)
                case "end login", done:
                    logins[-1].end = "answered" if done else "asked for"
                case "use assertion", True:
                    used.append(each.presented)
                case _:
                    pass
        return cls(logins, used, bool(told) and not told[-1].is_done)


def live(settings: Settings, told: Connection, key: dict[str, str]) -> None:
    """Log in, refresh and revoke for ever. Each step is told before it is taken, and again once it was answered."""
    with in_process(settings) as bench:
        _live(bench, told, Key.from_jwk(key))


def _live(bench: Bench, told: Connection, signer: Key) -> None:
    def take(step: Step, ask: Callable[[str], Answer], presented: str = "") -> Told:
        told.send(tuple(Told(step, False, presented)))
        answer = ask(presented)
        assert answer.status == 200, (step, answer)
        given = answer.json if answer.body else {}
        done = Told(step, True, presented, given.get("refresh_token", ""), given.get("access_token", ""))
        told.send(tuple(done))
        return done

    number = 0
    while True:
        number += 1
        given = take("log in", lambda _: bench.log_in())
        for _ in range(REFRESHES):
            given = take("refresh", bench.refresh, given.refresh)
        take("use assertion", lambda assertion: _use(bench, assertion), _assertion(signer))
        take("revoke token", lambda token: _revoke(bench, token), given.access)
        if number % 2:
            take("end login", lambda token: _revoke(bench, token), given.refresh)


def look(settings: Settings, left: Left, found: Connection) -> None:
    """Send every fault in what a killed process left: none, if nothing answered was lost or is there twice."""
    with in_process(settings) as bench:
        found.send(_faults(bench, left))


def _faults(bench: Bench, left: Left) -> list[str]:
    faults: list[str] = []
    every = [token for login in left.logins for token in (*login.refreshes, *login.accesses)]
    if len(set(every)) != len(every):
        faults.append("a token was issued twice")
    faults += ["an assertion counts twice" for assertion in left.used if _use(bench, assertion).status != 401]
    for login in left.logins:
        faults += _in_access_tokens(bench, login)
    for login in left.logins[-_LOOKED_AT:]:
        faults += _in_refresh_tokens(bench, login, set(every))
    return faults


def _in_access_tokens(bench: Bench, login: Login) -> list[str]:
    faults: list[str] = []
    for token in login.accesses:
        verdict = bench.verified(token)
        refused = isinstance(verdict, Rejected) and verdict.reason is Reason.TOKEN_REVOKED
        if (token in login.revoked or login.end == "answered") and not refused:
            faults.append("a revocation that was answered is lost")
        if token not in login.in_doubt and login.end == "not asked for" and not isinstance(verdict, Principal):
            faults.append("an access token that was answered is lost")
    return faults


def _in_refresh_tokens(bench: Bench, login: Login, issued: set[str]) -> list[str]:
    """Go on as the client would, which has the last token that was answered; then as a thief."""
    presented = login.refreshes[-1]
    first = bench.refresh(presented)
    if first.error == "invalid_grant" and login.end != "not asked for":
        return []
    if first.status != 200 or login.end == "answered":
        return [f"a refresh of a login whose end was {login.end} is answered {first.status} {first.error}"]
    successor = first.json["refresh_token"]
    again = bench.refresh(presented)
    if again.status != 200 or again.json["refresh_token"] != successor or successor in issued:
        return ["there are two successors of one refresh token"]
    following = bench.refresh(successor)
    if following.status != 200:
        return ["the successor is not good"]
    # The token before last: one of the two is a thief.
    if bench.refresh(presented).error != "invalid_grant" or bench.refresh(successor).error != "invalid_grant":
        return ["a refresh token is good for a second time"]
    if bench.refresh(following.json["refresh_token"]).error != "invalid_grant":
        return ["a login goes on after a replay"]
    if not isinstance(bench.verified(following.json["access_token"]), Rejected):
        return ["an access token is good after a replay"]
    return []


def kill_one(place: Backend, chance: random.Random) -> tuple[Left, list[str]]:
    """Start a process, kill it at some moment, and have another look; what it left, and the faults in it."""
    told: list[Told] = []
    process, ours = _started(live, place.settings, KEY.private_jwk())
    for _ in range(chance.randrange(1, _STEPS)):
        told.append(Told(*_received(ours)))
    time.sleep(chance.uniform(0, _WITHIN))  # some moment of the next step
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    try:
        while True:
            told.append(Told(*_received(ours)))
    except (EOFError, OSError):  # it may have died while it told
        ours.close()
    left = Left.of(told)
    looking, theirs = _started(look, place.settings, left, last=True)
    faults: list[str] = _received(theirs)
    looking.join(PATIENCE)
    theirs.close()
    return left, faults


def _started(target: Callable[..., None], settings: Settings, *args: Any, last: bool = False) -> tuple[Any, Connection]:
    context = fresh_processes()
    ours, theirs = context.Pipe(duplex=False)
    arguments = (settings, *args, theirs) if last else (settings, theirs, *args)
    process = context.Process(target=target, args=arguments, daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _received(ours: Connection) -> Any:
    assert ours.poll(PATIENCE), "it says nothing"
    return ours.recv()


def _assertion(signer: Key) -> str:
    now = time.time()
    claims = {"iss": "shop", "sub": "shop", "aud": ISSUER, "exp": now + 300, "iat": now, "jti": uuid4().hex}
    return write(json.dumps(claims).encode(), signer)


def _use(bench: Bench, assertion: str) -> Answer:
    form = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return bench.post({"grant_type": "client_credentials", **form})


def _revoke(bench: Bench, token: str) -> Answer:
    return bench.post({"token": token, "client_id": "first-party"}, path="/revoke")
