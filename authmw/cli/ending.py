"""Ending sessions and revoking tokens, so that running processes follow.

The database and Redis are asked alike, each for what it has: only one of them is what processes follow, and telling
the other one is no harm. A command that failed in between is run again: everything may be done twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from authmw.cli.stores import Place
from authmw.crypto.opaque_tokens import digest
from authmw.flow.flow import Ask, Flow, run
from authmw.oauth2 import ending
from authmw.oauth2.sessions import list_sessions
from authmw.stores.administration import NotFound
from authmw.stores.ports import FamilyStore, RevocationStore, TokenKeeper
from authmw.stores.records import LONGEST_TOKEN, RefreshFamily, TokenRecord

T = TypeVar("T")


def end_user(places: Iterable[Place], subject: str) -> int:
    """End all sessions of a user and refuse all tokens; how many sessions ended."""
    return sum(run(ending.end_user(_Stores.at(place), subject)) for place in places)


def end_client(places: Iterable[Place], client_id: str) -> int:
    """End all sessions that a client has and refuse all its tokens; how many sessions ended."""
    return sum(run(ending.end_client(_Stores.at(place), client_id)) for place in places)


def end_session(places: Iterable[Place], family_id: str) -> RefreshFamily | None:
    """End one session and refuse its tokens; the session, also when it had ended before, or None."""
    return _first(run(ending.end_session(_Stores.at(place), family_id)) for place in places)


def end_session_with(places: Iterable[Place], key: str) -> RefreshFamily | None:
    """The same by the digest of what the session's refresh tokens begin with."""
    places = tuple(places)
    family = _first(run(iter(Ask(place.families.find_family, key))) for place in places)
    return None if family is None else end_session(places, family.id)


def sessions_of(places: Iterable[Place], subject: str) -> list[RefreshFamily]:
    """The sessions of a user that go on, the oldest first."""
    found = [family for place in places for family in run(list_sessions(_Stores.at(place), subject))]
    return sorted(found, key=lambda family: family.created_at)


def revoke_token(places: Iterable[Place], token: str) -> TokenRecord | None:
    """Refuse an opaque token; its record, also when it was revoked before, or None."""
    return _first(run(_revoke_token(_Stores.at(place), digest(token))) for place in places)


def revoke_record(places: Iterable[Place], token_id: str) -> TokenRecord | None:
    """The same by the token's id."""
    return _first(_revoke_record(place, token_id) for place in places)


def revoke_signed(places: Iterable[Place], jti: str, expires_at: float | None = None) -> None:
    """Refuse the signed token with that ``jti`` until it has expired: at the latest when any token has."""
    ends = time.time() + LONGEST_TOKEN if expires_at is None else expires_at
    for place in places:
        run(ending.end_signed_token(_Stores.at(place), jti, ends))


@dataclass(frozen=True, slots=True)
class _Stores:
    """The `TokenStores` of one place, for `authmw.oauth2.ending`. The command verifies nothing, so it has no feed."""

    tokens: TokenKeeper
    families: FamilyStore
    revocations: RevocationStore
    feed: None = None
    clock: Callable[[], float] = time.time

    @classmethod
    def at(cls, place: Place) -> _Stores:
        """The stores of `place`."""
        return cls(place.tokens, place.families, place.revocations)


def _first(answers: Iterable[T | None]) -> T | None:
    """The first that is something, once all were asked."""
    return next((answer for answer in [*answers] if answer is not None), None)


def _revoke_token(stores: _Stores, token_digest: str) -> Flow[TokenRecord | None]:
    record = yield from Ask(stores.tokens.find_token, token_digest)
    if record is not None:
        yield from ending.end_token(stores, record)
    return record


def _revoke_record(place: Place, token_id: str) -> TokenRecord | None:
    try:
        record = place.tokens.revoke(token_id)
    except NotFound:
        return None
    run(ending.end_token(_Stores.at(place), record))
    return record
