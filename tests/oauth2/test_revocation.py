"""A process refuses what it has revoked itself at once: before it reads anything, and only once that is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from authmw.crypto.opaque_tokens import token_digest
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.oauth2.sessions import Sessions
from tests.oauth2.asking import KEYS, Bench, basic

End = Callable[[Bench, dict[str, Any]], object]


def session_of(bench: Bench) -> str:
    (session,) = Sessions(bench.service).list("user-1")
    return session.id


def post_revoke(bench: Bench, token: str) -> None:
    assert bench.post({"token": token, "client_id": "first-party"}, path="/revoke").status == 200


def use_again_after_the_grace(bench: Bench, tokens: dict[str, Any]) -> None:
    bench.refresh(tokens["refresh_token"])
    bench.clock.now += 60
    assert bench.refresh(tokens["refresh_token"]).error == "invalid_grant"


WAYS: dict[str, End] = {
    "/revoke with the access token": lambda bench, tokens: post_revoke(bench, tokens["access_token"]),
    "/revoke with the refresh token": lambda bench, tokens: post_revoke(bench, tokens["refresh_token"]),
    "log out here": lambda bench, _: Sessions(bench.service).end(session_of(bench), subject="user-1"),
    "log out everywhere": lambda bench, _: Sessions(bench.service).end_all("user-1"),
    "end a client": lambda bench, _: Sessions(bench.service).end_client("first-party"),
    "replay a refresh token": use_again_after_the_grace,
}


def following(bench: Bench) -> Bench:
    """The same, whose process has just read what was revoked, and will not read again for an hour."""
    bench.service.feed.follow_once()
    assert bench.service.feed.is_fresh
    return bench


def is_revoked(bench: Bench, token: str) -> bool:
    verdict = bench.verified(token)
    return isinstance(verdict, Rejected) and verdict.reason is Reason.TOKEN_REVOKED


@pytest.mark.parametrize("end", WAYS.values(), ids=WAYS)
def test_what_a_process_ends_it_refuses_at_once(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(keys=KEYS, revocation_bound=3600.0)
    tokens = bench.log_in().json
    following(bench)
    assert isinstance(bench.verified(tokens["access_token"]), Principal)
    end(bench, tokens)
    # Not because a store was asked.
    monkeypatch.setattr(bench.stores.revocations, "find_revocations", None)
    assert is_revoked(bench, tokens["access_token"])


def test_another_process_learns_of_it_by_reading() -> None:
    here = Bench(keys=KEYS, revocation_bound=3600.0)
    there = following(Bench(keys=KEYS, stores=here.stores, revocation_bound=3600.0))
    token = here.log_in().json["access_token"]
    Sessions(here.service).end_all("user-1")
    assert isinstance(there.verified(token), Principal)
    assert is_revoked(following(there), token)


def test_what_another_process_ended_before_is_refused_at_once_by_who_ends_it_again() -> None:
    here = Bench(keys=KEYS, revocation_bound=3600.0)
    there = following(Bench(keys=KEYS, stores=here.stores, revocation_bound=3600.0))
    token = here.log_in().json["access_token"]
    post_revoke(here, token)
    assert isinstance(there.verified(token), Principal)
    post_revoke(there, token)
    assert is_revoked(there, token)


def test_what_could_not_be_stored_is_refused_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(keys=KEYS, revocation_bound=3600.0)
    token = bench.log_in().json["access_token"]
    following(bench)

    def fails(_: object) -> None:
        raise ConnectionError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(bench.stores.revocations, "publish", fails)
        assert bench.post({"token": token, "client_id": "first-party"}, path="/revoke").status == 503
    assert isinstance(bench.verified(token), Principal)


def test_the_tokens_of_others_are_good_for_as_long_as_before() -> None:
    bench = Bench(keys=KEYS, revocation_bound=3600.0)
    secret = bench.client()
    theirs = bench.post({"grant_type": "client_credentials"}, basic("shop", secret)).json["access_token"]
    bench.log_in()
    following(bench)
    Sessions(bench.service).end_all("user-1")
    assert isinstance(bench.verified(theirs), Principal)


@pytest.mark.parametrize("of", ["user", "client"])
def test_each_session_that_ends_with_its_user_or_client_is_published_by_itself(of: str) -> None:
    bench = Bench(keys=KEYS)
    for _ in range(2):
        bench.log_in()
    ids = {session.id for session in Sessions(bench.service).list("user-1")}
    sessions = Sessions(bench.service)
    ended = sessions.end_all("user-1") if of == "user" else sessions.end_client("first-party")
    assert ended == 2
    published = bench.stores.revocations.revocations_after("", 10).revocations
    assert [each.kind for each in published] == [of, "family", "family"]
    assert {each.id for each in published[1:]} == ids


@pytest.mark.parametrize("of", ["user", "client"])
def test_opaque_tokens_are_revoked_in_their_store_too_also_those_of_no_session(of: str) -> None:
    bench = Bench()
    secret = bench.client()
    theirs = bench.post({"grant_type": "client_credentials"}, basic("shop", secret)).json["access_token"]
    mine = bench.log_in().json["access_token"]
    sessions = Sessions(bench.service)
    ended = sessions.end_all("user-1") if of == "user" else sessions.end_client("shop")
    assert ended == (1 if of == "user" else 0)
    revoked = {
        name: bench.stores.tokens.find_token(token_digest(token)).revoked_at is not None
        for name, token in {"user": mine, "client": theirs}.items()
    }
    assert revoked == {"user": of == "user", "client": of == "client"}


def test_ending_one_session_tells_which(monkeypatch: pytest.MonkeyPatch) -> None:
    from authmw.flow.flow import run
    from authmw.stores.revocation import end_session

    bench = Bench()
    bench.log_in()
    id = session_of(bench)
    ended = run(end_session(bench.service, id))
    assert ended is not None
    assert (ended.id, ended.revoked_at) == (id, bench.clock.now)
    again = run(end_session(bench.service, id))
    assert again == ended
    assert run(end_session(bench.service, "login_none")) is None
    # A process that verifies nothing, as the command line, has no feed.
    monkeypatch.setattr(bench.service, "feed", None)
    bench.log_in()
    assert run(end_session(bench.service, session_of(bench))) is not None
