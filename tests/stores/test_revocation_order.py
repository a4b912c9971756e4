"""What is asked of stores, in which order, when sessions, users, clients and tokens are revoked, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from authmw.events import on_event
from authmw.flow.flow import Flow, run
from authmw.stores import MemoryStores
from authmw.stores.records import RefreshFamily, Revocation, TokenRecord
from authmw.stores.revocation import (
    end_browser_session,
    end_client,
    end_other_sessions,
    end_session,
    end_signed_token,
    end_token,
    end_user,
    revoke_before,
)
from authmw.stores.session_records import BrowserSession
from authmw.testing.contract.families import a_family
from authmw.testing.contract.sessions import a_session
from authmw.testing.contract.tokens import a_token

AT = a_family().created_at + 60
"""When everything here is revoked."""
DESK, PHONE, OF_BOB = (
    a_session(id=id, subject=subject, created_at=AT - age)
    for id, subject, age in (("desk", "alice", 9), ("phone", "alice", 8), ("desk_of_bob", "bob", 7))
)
APP: RefreshFamily = a_family(id="app", subject="alice", client_id="shop", created_at=AT - 9)
ON_DESK: RefreshFamily = a_family(id="on_desk", subject="alice", client_id="web", session_id="desk", created_at=AT - 8)
APP_OF_BOB: RefreshFamily = a_family(id="app_of_bob", subject="bob", client_id="shop", created_at=AT - 7)
TOKEN: TokenRecord = a_token(id="tok", subject="alice", client_id="shop", family_id="app")


class Recorded:
    """A store that answers by another one, and notes what it was asked."""

    def __init__(self, store: object, asked: list[tuple[Any, ...]]) -> None:
        self._store = store
        self._asked = asked

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._store, name)

        def ask(*args: object) -> object:
            self._asked.append((name, *args))
            return method(*args)

        return ask


class Feed:
    """The revocations that a process knows of."""

    def note(self, revocation: Revocation) -> None: ...


class Bench:
    """Stores with two users, of whom each has logged in; and what they were asked since then."""

    def __init__(self, *, browsers: bool = True, follows: bool = True) -> None:
        self.kept = MemoryStores(clock=lambda: AT)
        for session in (DESK, PHONE, OF_BOB):
            self.kept.sessions.add_session(session)
        for family in (APP, ON_DESK, APP_OF_BOB):
            self.kept.families.add_family(family)
        self.kept.tokens.add_token(TOKEN)
        self.asked = list[tuple[Any, ...]]()
        self.stores: Any = SimpleNamespace(
            **{
                name: Recorded(getattr(self.kept, name), self.asked)
                for name in ("tokens", "families", "sessions", "revocations")
            },
            feed=Recorded(Feed(), self.asked) if follows else None,
            clock=lambda: AT,
        )
        if not browsers:
            self.stores.sessions = None

    def after(self, flow: Callable[[Any], Flow[Any]]) -> tuple[Any, list[tuple[Any, ...]]]:
        """The result of a flow, and what was asked meanwhile."""
        self.asked.clear()
        answer = run(flow(self.stores))
        return answer, self.asked.copy()


@pytest.fixture
def told() -> Iterator[list[tuple[Any, ...]]]:
    """The name, the kind and the id of each event, in order."""
    events: list[tuple[Any, ...]] = []
    stop = on_event(
        lambda event: events.append((event.name, event.fields()["kind"], event.fields()["id"])), inline=True
    )
    yield events
    stop()


def published(*revocations: Revocation) -> list[tuple[Any, ...]]:
    """Each is stored before this process obeys it."""
    return [step for each in revocations for step in (("publish", each), ("note", each))]


def published_once(revocation: Revocation) -> list[tuple[Any, ...]]:
    """The same, after a look whether it is stored already."""
    return [("find_revocations", ((revocation.kind, revocation.id),)), *published(revocation)]


def of_families(*ids: str) -> list[Revocation]:
    return [Revocation.of_family(each, AT) for each in ids]


def ended(family: RefreshFamily) -> RefreshFamily:
    return replace(family, revoked_at=AT)


def closed(session: BrowserSession) -> BrowserSession:
    return replace(session, ended_at=AT)


OF_ALICE, OF_SHOP = Revocation.of_user("alice", AT), Revocation.of_client("shop", AT)
(OF_APP,) = of_families("app")
OF_TOKEN = Revocation.of_token("tok", AT, TOKEN.expires_at)
OF_JTI = Revocation.of_token("jti", AT, AT + 60)

ENDS: dict[str, tuple[Callable[[Any], Flow[Any]], list[tuple[Any, ...]], object]] = {
    "a session": (
        lambda stores: end_session(stores, "app"),
        [("end_family", "app", AT), ("revoke_family_tokens", "app", AT), *published_once(OF_APP)],
        ended(APP),
    ),
    "a session that is not there": (
        lambda stores: end_session(stores, "none"),
        [
            ("end_family", "none", AT),
            ("revoke_family_tokens", "none", AT),
            *published_once(Revocation.of_family("none", AT)),
        ],
        None,
    ),
    "a user": (
        lambda stores: end_user(stores, "alice"),
        [
            *published(OF_ALICE),
            ("end_families", "alice", AT),
            ("revoke_subject_tokens", "alice", AT),
            ("end_sessions", "alice", AT, ""),
            *published(*of_families("app", "on_desk", "desk", "phone")),
        ],
        4,
    ),
    "what a user was issued": (
        lambda stores: revoke_before(stores, "alice", AT - 5),
        [*published(Revocation.of_user("alice", AT - 5)), ("revoke_subject_tokens", "alice", AT - 5)],
        None,
    ),
    "the other sessions of a user": (
        lambda stores: end_other_sessions(stores, "alice", DESK),
        [
            ("families_of", "alice", AT),
            ("end_family", "app", AT),
            ("revoke_family_tokens", "app", AT),
            ("end_sessions", "alice", AT, "desk"),
            *published(*of_families("app", "phone")),
        ],
        2,
    ),
    "a browser session": (
        lambda stores: end_browser_session(stores, stores.sessions, "desk"),
        [
            ("end_session", "desk", AT),
            ("end_session_families", "desk", AT),
            ("revoke_family_tokens", "on_desk", AT),
            *published_once(Revocation.of_family("on_desk", AT)),
            ("revoke_family_tokens", "desk", AT),
            *published_once(Revocation.of_family("desk", AT)),
        ],
        closed(DESK),
    ),
    "a client": (
        lambda stores: end_client(stores, "shop"),
        [
            *published(OF_SHOP),
            ("end_client_families", "shop", AT),
            ("revoke_client_tokens", "shop", AT),
            *published(*of_families("app", "app_of_bob")),
        ],
        2,
    ),
    "a token": (
        lambda stores: end_token(stores, TOKEN),
        [("revoke_token", TOKEN.digest, AT), *published_once(OF_TOKEN)],
        None,
    ),
    "a signed token": (lambda stores: end_signed_token(stores, "jti", AT + 60), published_once(OF_JTI), None),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_is_revoked_is_ended_before_that_is_published_and_obeyed_once_it_is(name: str) -> None:
    flow, asked, answer = ENDS[name]
    assert Bench().after(flow) == (answer, asked)


@pytest.mark.parametrize("name", ENDS)
def test_a_process_that_verifies_nothing_asks_the_same_and_has_nobody_to_tell(name: str) -> None:
    flow, asked, answer = ENDS[name]
    assert Bench(follows=False).after(flow) == (answer, [step for step in asked if step[0] != "note"])


@pytest.mark.parametrize("name", ENDS)
def test_each_revocation_that_is_published_is_told_as_an_event(name: str, told: list[tuple[Any, ...]]) -> None:
    flow, asked, _ = ENDS[name]
    Bench().after(flow)
    kinds = {"family": "session"}
    assert told == [
        ("revoked", kinds.get(step[1].kind, step[1].kind), step[1].id) for step in asked if step[0] == "publish"
    ]


@pytest.mark.parametrize("name", ["a session", "a browser session", "a token", "a signed token"])
def test_what_is_ended_again_is_obeyed_and_not_published_again(name: str, told: list[tuple[Any, ...]]) -> None:
    flow, asked, answer = ENDS[name]
    bench = Bench()
    bench.after(flow)
    told.clear()
    ends_families = [("revoke_family_tokens", "on_desk", AT), *published_once(Revocation.of_family("on_desk", AT))]
    left = [step for step in asked if step not in ends_families] if name == "a browser session" else asked
    assert bench.after(flow) == (answer, [step for step in left if step[0] != "publish"])
    assert told == []


def test_where_there_are_no_browser_sessions_none_is_ended() -> None:
    bench = Bench(browsers=False)
    assert bench.after(lambda stores: end_user(stores, "alice"))[0] == 2
    assert not [step for step in bench.asked if step[0] == "end_sessions"]
    assert [each.ended_at for each in bench.kept.sessions.of_user("alice")] == [None, None]


@pytest.mark.parametrize("name", ENDS)
def test_nothing_of_anybody_else_is_revoked(name: str) -> None:
    bench = Bench()
    bench.after(ENDS[name][0])
    assert bench.kept.sessions.of_user("bob") == (OF_BOB,)
    assert bench.kept.families.of_user("bob") == (ended(APP_OF_BOB) if name == "a client" else APP_OF_BOB,)
    revoked_tokens = {"a session", "a user", "what a user was issued", "the other sessions of a user", "a client"}
    at = AT - 5 if name == "what a user was issued" else AT
    is_revoked = name in {*revoked_tokens, "a token"}
    assert bench.kept.tokens.list() == (replace(TOKEN, revoked_at=at if is_revoked else None),)
