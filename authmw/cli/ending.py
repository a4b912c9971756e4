"""Ending sessions and revoking tokens, so that running processes follow.

The database and Redis are asked alike, each for what it has: only one of them is what processes follow, and telling
the other one is no harm. A command that failed in between is run again: everything may be done twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from authmw.administration import NotFound
from authmw.cli.stores import Sessions
from authmw.flow import Ask, Flow, run
from authmw.oauth2 import sessions
from authmw.oauth2.access_tokens import refuse_login
from authmw.ports import (
    LONGEST_TOKEN,
    FamilyStore,
    RefreshFamily,
    Revocation,
    RevocationStore,
    TokenKeeper,
    TokenRecord,
)
from authmw.tokens import digest

T = TypeVar("T")


def end_user(places: Iterable[Sessions], subject: str) -> int:
    """End all sessions of a user and refuse all tokens; how many sessions ended."""
    return sum(run(sessions.end_user(_kept(place), subject)) for place in places)


def end_client(places: Iterable[Sessions], client_id: str) -> int:
    """End all sessions that a client has and refuse all its tokens; how many sessions ended."""
    return sum(run(sessions.end_client(_kept(place), client_id)) for place in places)


def end_session(places: Iterable[Sessions], family_id: str) -> RefreshFamily | None:
    """End one session and refuse its tokens; the session, also when it had ended before, or None."""
    return _first(run(_end_session(_kept(place), family_id)) for place in places)


def end_session_with(places: Iterable[Sessions], key: str) -> RefreshFamily | None:
    """The same by the digest of what the session's refresh tokens begin with."""
    return _first(run(_end_session_with(_kept(place), key)) for place in places)


def sessions_of(places: Iterable[Sessions], subject: str) -> list[RefreshFamily]:
    """The sessions of a user that go on, the oldest first."""
    found = [family for place in places for family in run(sessions.list_sessions(_kept(place), subject))]
    return sorted(found, key=lambda family: family.created_at)


def revoke_token(places: Iterable[Sessions], token: str) -> TokenRecord | None:
    """Refuse an opaque token; its record, also when it was revoked before, or None."""
    return _first(run(_revoke_token(place, digest(token))) for place in places)


def revoke_record(places: Iterable[Sessions], token_id: str) -> TokenRecord | None:
    """The same by the token's id."""
    return _first(_revoke_record(place, token_id) for place in places)


def revoke_signed(places: Iterable[Sessions], jti: str, expires_at: float | None = None) -> None:
    """Refuse the signed token with that ``jti`` until it has expired: at the latest when any token has."""
    now = time.time()
    ends = now + LONGEST_TOKEN if expires_at is None else expires_at
    for place in places:
        run(_publish(place, jti, ends))


@dataclass(frozen=True, slots=True)
class _Kept:
    """As much of a token service as ending sessions takes."""

    tokens: TokenKeeper
    families: FamilyStore
    revocations: RevocationStore
    clock: Callable[[], float] = time.time


def _kept(place: Sessions) -> _Kept:
    return _Kept(place.tokens, place.families, place.revocations)


def _first(answers: Iterable[T | None]) -> T | None:
    """The first that is something, once all were asked."""
    return next((answer for answer in [*answers] if answer is not None), None)


def _end_session(place: _Kept, family_id: str) -> Flow[RefreshFamily | None]:
    family = yield from Ask(place.families.end_family, family_id, place.clock())
    if family is not None:
        yield from refuse_login(place, family_id, place.clock())
    return family


def _end_session_with(place: _Kept, key: str) -> Flow[RefreshFamily | None]:
    family = yield from Ask(place.families.find_family, key)
    if family is None:
        return None
    return (yield from _end_session(place, family.id))


def _revoke_token(place: Sessions, token_digest: str) -> Flow[TokenRecord | None]:
    record = yield from Ask(place.tokens.find_token, token_digest)
    if record is not None:
        yield from Ask(place.tokens.revoke_token, token_digest, time.time())
        yield from _publish(place, record.id, record.expires_at)
    return record


def _revoke_record(place: Sessions, token_id: str) -> TokenRecord | None:
    try:
        record = place.tokens.revoke(token_id)
    except NotFound:
        return None
    run(_publish(place, record.id, record.expires_at))
    return record


def _publish(place: Sessions, token_id: str, expires_at: float) -> Flow[None]:
    yield from Ask(place.revocations.publish, Revocation.of_token(token_id, time.time(), expires_at))
