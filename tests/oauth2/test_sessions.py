"""Log out here, log out everywhere: sessions as an application lists and ends them, by WSGI and by ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from authmw.errors import StoreUnavailable
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected
from authmw.oauth2.sessions import AsyncSessions, Sessions
from authmw.stores.records import RefreshFamily
from tests.oauth2.asking import KEYS, NOW, Bench, basic

KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])
Do = Callable[..., Any]


@pytest.fixture(name="do", params=["sync", "async"])
def _do(request: pytest.FixtureRequest) -> Do:
    """Calls a method of the sessions of a bench."""

    def call(bench: Bench, method: str, *args: Any, **options: Any) -> Any:
        if request.param == "sync":
            return getattr(Sessions(bench.service), method)(*args, **options)
        return asyncio.run(getattr(AsyncSessions(bench.service), method)(*args, **options))

    return call


def is_refused(bench: Bench, tokens: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the access token is refused, and the refresh token."""
    bench.service.feed.follow_once()
    verdict = bench.verified(tokens["access_token"])
    revoked = isinstance(verdict, Rejected) and verdict.reason is Reason.TOKEN_REVOKED
    return revoked, bench.refresh(tokens["refresh_token"]).error == "invalid_grant"


@KINDS
def test_sessions_that_go_on_are_listed_oldest_first(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    bench.stores.users.create("bob", "correct horse", id="user-2")
    for agent in ("Firefox", "curl"):
        form = b"grant_type=password&username=alice&password=correct+horse"
        bench.post(form, [("user-agent", agent)])
        bench.clock.now += 1
    bench.log_in(username="bob")
    listed: tuple[RefreshFamily, ...] = do(bench, "list", "user-1")
    assert [(each.name, each.username) for each in listed] == [("Firefox", "alice"), ("curl", "alice")]
    assert do(bench, "list", "nobody") == ()
    bench.clock.now += 14 * 86_400
    assert do(bench, "list", "user-1") == ()


def test_a_session_is_the_sid_of_its_tokens_and_shows_no_secret(do: Do) -> None:
    bench = Bench(keys=KEYS)
    tokens = bench.log_in().json
    (session,) = do(bench, "list", "user-1")
    principal: Any = bench.verified(tokens["access_token"])
    assert principal.claims["sid"] == session.id
    assert session.key not in repr(session)


@KINDS
def test_one_session_ends_and_the_others_go_on(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    first = bench.log_in().json
    bench.clock.now += 1
    second = bench.log_in().json
    session = do(bench, "list", "user-1")[0]
    assert do(bench, "end", session.id, subject="user-1") is True
    assert is_refused(bench, first) == (True, True)
    assert is_refused(bench, second) == (False, False)
    assert do(bench, "end", session.id, subject="user-1") is False


@KINDS
def test_nobody_ends_the_session_of_somebody_else(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    tokens = bench.log_in().json
    session = do(bench, "list", "user-1")[0]
    assert do(bench, "end", session.id, subject="user-2") is False
    assert do(bench, "end", "login_unknown", subject="user-1") is False
    assert is_refused(bench, tokens) == (False, False)


@KINDS
def test_logging_out_everywhere_ends_all_of_one_user_and_nothing_else(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    bench.stores.users.create("bob", "correct horse", id="user-2", scopes=["orders:read"])
    alice = [bench.log_in().json for _ in range(3)]
    bob = bench.log_in(username="bob").json
    assert do(bench, "end_all", "user-1") == 3
    assert [is_refused(bench, each) for each in alice] == [(True, True)] * 3
    assert is_refused(bench, bob) == (False, False)
    assert do(bench, "end_all", "user-1") == 0
    assert do(bench, "list", "user-1") == ()


@KINDS
def test_whoever_logs_in_again_after_logging_out_everywhere_is_logged_in(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    bench.log_in()
    do(bench, "end_all", "user-1")
    bench.clock.now += 1
    assert is_refused(bench, bench.log_in().json) == (False, False)


@KINDS
def test_the_tokens_of_a_client_end_and_it_may_get_new_ones(do: Do, options: dict[str, Any]) -> None:
    bench = Bench(**options)
    header = basic("shop", bench.client())
    bench.client("spa", auth_method="none", grant_types=["password", "refresh_token"])
    own = bench.post({"grant_type": "client_credentials"}, header).json["access_token"]
    of_spa, of_us = bench.log_in(client_id="spa").json, bench.log_in().json
    assert do(bench, "end_client", "spa") == 1
    assert do(bench, "end_client", "shop") == 0
    bench.service.feed.follow_once()
    verdicts = [bench.verified(token) for token in (own, of_spa["access_token"], of_us["access_token"])]
    assert [isinstance(each, Rejected) for each in verdicts] == [True, True, False]
    assert bench.refresh(of_spa["refresh_token"], client_id="spa").error == "invalid_grant"
    bench.clock.now += 1
    again = bench.post({"grant_type": "client_credentials"}, header).json["access_token"]
    assert not isinstance(bench.verified(again), Rejected)


STEPS = [("families", "end_family"), ("tokens", "revoke_family_tokens"), ("revocations", "publish")]


@KINDS
@pytest.mark.parametrize("role, verb", STEPS)
@pytest.mark.parametrize("is_done", [True, False], ids=["answer lost", "not done"])
def test_an_end_that_was_interrupted_leaves_nothing_that_nobody_ends(
    do: Do, options: dict[str, Any], role: str, verb: str, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(**options)
    tokens = bench.log_in().json
    (session,) = do(bench, "list", "user-1")
    store = getattr(bench.stores, role)
    works = getattr(store, verb)

    def dies(*args: Any) -> Any:
        if is_done:
            works(*args)
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(store, verb, dies)
        with pytest.raises(StoreUnavailable):
            do(bench, "end", session.id, subject="user-1")
    # Either it is over already, or it is still listed and can be ended.
    if do(bench, "list", "user-1"):
        assert do(bench, "end", session.id, subject="user-1") is True
    assert is_refused(bench, tokens) == (True, True)


def test_what_is_published_of_a_session_comes_after_what_it_tells(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.log_in()
    done: list[str] = []
    for role, verb in (("families", "end_families"), ("tokens", "revoke_subject_tokens"), ("revocations", "publish")):
        store = getattr(bench.stores, role)
        monkeypatch.setattr(store, verb, noting(done, verb, getattr(store, verb)))
    do(bench, "end_all", "user-1")
    assert done == ["publish", "end_families", "revoke_subject_tokens", "publish"]
    assert bench.stores.tokens.list()[0].revoked_at == NOW


def noting(done: list[str], verb: str, works: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any) -> Any:
        done.append(verb)
        return works(*args)

    return noted
