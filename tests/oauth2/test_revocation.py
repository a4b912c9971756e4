"""A process refuses what it has revoked itself at once: before it reads anything, and only once that is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
