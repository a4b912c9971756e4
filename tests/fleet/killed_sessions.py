"""A process that begins, renews and ends browser sessions until it is killed, and a look at what it left."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, Literal, NamedTuple, cast

from authmw.crypto.chained_tokens import SessionToken, new_salt
from authmw.crypto.opaque_tokens import new_id, new_token, token_digest
from authmw.stores import BrowserSession, Pending, Renewal, RenewalAnswer, RenewalOutcome, Stores
from authmw.stores.session_ports import PendingStore, SessionStore
from tests.fleet.asking import PATIENCE
from tests.fleet.backends import Backend
from tests.fleet.in_process import fresh_processes
from tests.fleet.settings import Settings

RENEWALS: Final = 4
_STEPS: Final = 40
"""Messages after which it is killed, at most."""
_WITHIN: Final = 0.004
"""Seconds after the last of them, at most: about what a step takes."""
_KIND: Final = "recovery"

Step = Literal["begin", "renew", "put", "take", "end"]


class Told(NamedTuple):
    """What the process said.

    Args:
        step: what it does.
        is_done: whether the store has answered; else it is about to be asked.
        session_id: the session, if it is about one.
        given: the value of the cookie, or the secret of what is pending.
    """

    step: Step
    is_done: bool
    session_id: str = ""
    given: str = ""


@dataclass(slots=True)
class Begun:
    """What is known of one session.

    Args:
        cookies: its values, as they were answered.
        end: how far its end has come.
    """

    cookies: list[str]
    end: Literal["not asked for", "asked for", "answered"] = "not asked for"


@dataclass(slots=True)
class Left:
    """What a killed process had been answered."""

    sessions: dict[str, Begun] = field(default_factory=dict[str, Begun])
    put: set[str] = field(default_factory=set[str])
    in_doubt: set[str] = field(default_factory=set[str])
    taken: set[str] = field(default_factory=set[str])

    @classmethod
    def of(cls, told: list[Told]) -> Left:
        """What follows from the messages."""
        left = cls()
        for each in told:
            match each.step, each.is_done:
                case "begin", True:
                    left.sessions[each.session_id] = Begun([each.given])
                case "renew", True:
                    left.sessions[each.session_id].cookies.append(each.given)
                case "end", done:
                    left.sessions[each.session_id].end = "answered" if done else "asked for"
                case "put", True:
                    left.put.add(each.given)
                case "take", done:
                    (left.taken if done else left.in_doubt).add(each.given)
                case _:
                    pass
        return left


class Kept:
    """The stores of sessions and of what is pending, called."""

    def __init__(self, stores: Stores) -> None:
        self.sessions = cast("SessionStore", stores.sessions)
        self.pending = cast("PendingStore", stores.pending)

    def begin(self) -> tuple[str, str]:
        """A new session: its id, and the value of its cookie."""
        first, now, id = SessionToken.new(), time.time(), new_id("sid")
        session = BrowserSession(
            id=id,
            key=token_digest(first.family),
            current=first.digest,
            subject="alice",
            scopes=frozenset(),
            created_at=now,
            authenticated_at=now,
            expires_at=now + 7200,
            idle_for=3600,
            idle_until=now + 3600,
            last_used_at=now,
        )
        self.sessions.add_session(session)
        return id, first.text

    def renew(self, cookie: str) -> tuple[RenewalOutcome, str]:
        """What became of a value, and the value that the browser gets."""
        token, salt = _token(cookie), new_salt()
        renewal = Renewal(
            key=token_digest(token.family),
            presented=token.digest,
            successor=token.successor(salt).digest,
            salt=salt,
            now=time.time(),
            scopes=frozenset(),
        )
        answer = cast("RenewalAnswer", self.sessions.renew_session(renewal))
        successor = "" if answer.session is None else token.successor(answer.session.salt).text
        return answer.outcome, successor

    def find(self, cookie: str) -> BrowserSession | None:
        """The session with that cookie."""
        return cast("BrowserSession | None", self.sessions.find_session(token_digest(_token(cookie).family)))

    def put(self, secret: str) -> None:
        """Let something be pending."""
        self.pending.put_pending(Pending(token_digest(secret), _KIND, "alice", time.time() + 600))

    def take(self, secret: str) -> bool:
        """Whether it was still there to be taken."""
        return self.pending.take_pending(token_digest(secret), _KIND, time.time()) is not None


def live(settings: Settings, told: Connection) -> None:
    """Begin, renew and end sessions for ever. Each step is told before it is taken, and again once it was answered."""
    with settings.opened() as stores:
        _live(Kept(stores), told)


def _live(kept: Kept, told: Connection) -> None:
    def tell(*args: Any) -> None:
        told.send(tuple(Told(*args)))

    number = 0
    while True:
        number += 1
        tell("begin", False)
        id, cookie = kept.begin()
        tell("begin", True, id, cookie)
        for _ in range(RENEWALS):
            tell("renew", False, id)
            outcome, cookie = kept.renew(cookie)
            assert outcome is RenewalOutcome.RENEWED
            tell("renew", True, id, cookie)
        secret = new_token("xx")
        tell("put", False, "", secret)
        kept.put(secret)
        tell("put", True, "", secret)
        if number % 2:
            tell("take", False, "", secret)
            assert kept.take(secret)
            tell("take", True, "", secret)
            tell("end", False, id)
            kept.sessions.end_session(id, time.time())
            tell("end", True, id)


def faults_in(settings: Settings, left: Left) -> list[str]:
    """Every fault in what a killed process left: none, if nothing answered was lost or is there twice."""
    with settings.opened() as stores:
        kept = Kept(stores)
        faults = [fault for begun in left.sessions.values() for fault in _in_session(kept, begun)]
        for secret in left.put:
            is_there = kept.take(secret)
            if is_there and secret in left.taken:
                faults.append("something that was taken is there again")
            if not is_there and secret not in left.in_doubt:
                faults.append("something that was put is lost")
            if kept.take(secret):
                faults.append("something is taken twice")
        return faults


def _in_session(kept: Kept, begun: Begun) -> list[str]:
    """Go on as the browser would, which has the last value that was answered."""
    if len(set(begun.cookies)) != len(begun.cookies):
        return ["two values of one session are the same"]
    cookie = begun.cookies[-1]
    found = kept.find(cookie)
    if found is None:
        return ["a session that was answered is lost"]
    if begun.end == "answered" and found.ended_at is None:
        return ["an end that was answered is lost"]
    outcome, successor = kept.renew(cookie)
    if found.ended_at is not None:
        return [] if outcome is RenewalOutcome.ENDED and begun.end != "not asked for" else ["a session ended by itself"]
    # It was killed between a renewal and its answer: then the browser gets what it would have got.
    if outcome not in (RenewalOutcome.RENEWED, RenewalOutcome.RACED):
        return [f"the last value that was answered is {outcome.value}"]
    if kept.renew(cookie) != (RenewalOutcome.RACED, successor):
        return ["there are two successors of one value"]
    if kept.renew(successor)[0] is not RenewalOutcome.RENEWED:
        return ["the successor is not good"]
    if kept.renew(cookie)[0] is not RenewalOutcome.UNKNOWN:
        return ["a value is good after two renewals"]
    return []


def kill_one(place: Backend, chance: random.Random) -> tuple[Left, list[str]]:
    """Start a process, kill it at some moment, and have a look; what it left, and the faults in it."""
    context = fresh_processes()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=live, args=(place.settings, theirs), daemon=True)
    process.start()
    theirs.close()
    told: list[Told] = []
    for _ in range(chance.randrange(1, _STEPS)):
        assert ours.poll(PATIENCE), "it says nothing"
        told.append(Told(*ours.recv()))
    time.sleep(chance.uniform(0, _WITHIN))  # some moment of the next step
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    with suppress(EOFError, OSError):  # it may have died while it told
        while True:
            told.append(Told(*ours.recv()))
    ours.close()
    left = Left.of(told)
    return left, faults_in(place.settings, left)


def _token(cookie: str) -> SessionToken:
    token = SessionToken.parse(cookie)
    assert token is not None
    return token
