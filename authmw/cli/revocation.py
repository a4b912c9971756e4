"""Revocation of sessions and tokens, in the database and in Redis.

Running processes follow the revocations of only one of the two. The commands do not know which one, so they write to
both; the other write does no harm. Every function may be called twice, so a command that failed can be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from authmw.cli.stores import Place
from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.clocks import now
from authmw.flow.flow import Ask, Flow, run
from authmw.oauth2.sessions import list_sessions
from authmw.stores import revocation
from authmw.stores.administration import NotFound
from authmw.stores.ports import FamilyStore, RevocationStore, TokenKeeper
from authmw.stores.records import LONGEST_TOKEN, RefreshFamily, TokenRecord
from authmw.stores.session_ports import SessionStore
from authmw.stores.session_records import BrowserSession, Pending

T = TypeVar("T")


def end_user(places: Iterable[Place], subject: str) -> int:
    """End all logins of a user, delete what is pending, and refuse all tokens. Returns how many logins ended."""
    return sum(run(_end_user(place, subject)) for place in places)


def end_client(places: Iterable[Place], client_id: str) -> int:
    """End all sessions of a client and refuse all its tokens. Returns how many sessions ended."""
    return sum(run(revocation.end_client(_Stores.at(place), client_id)) for place in places)


def end_session(places: Iterable[Place], family_id: str) -> RefreshFamily | None:
    """End one session and refuse its tokens. Returns the session, also if it had ended before, or None."""
    return _first(run(revocation.end_session(_Stores.at(place), family_id)) for place in places)


def end_browser_session(places: Iterable[Place], session_id: str) -> BrowserSession | None:
    """End one browser session, the chains of refresh tokens that belong to it, and their tokens.

    Returns the session, also if it had ended before, or None.
    """
    return _first(
        run(revocation.end_browser_session(_Stores.at(place), place.sessions, session_id)) for place in places
    )


def end_session_with(places: Iterable[Place], key: str) -> RefreshFamily | None:
    """End the session with that key, the digest of the part that all its refresh tokens share. See `end_session`."""
    places = tuple(places)
    family = _first(run(iter(Ask(place.families.find_family, key))) for place in places)
    return None if family is None else end_session(places, family.id)


def sessions_of(places: Iterable[Place], subject: str) -> list[RefreshFamily]:
    """The live sessions of a user, oldest first."""
    found = [family for place in places for family in run(list_sessions(_Stores.at(place), subject))]
    return sorted(found, key=lambda family: family.created_at)


def browser_sessions_of(places: Iterable[Place], subject: str) -> list[BrowserSession]:
    """The live browser sessions of a user, oldest first."""
    found = [each for place in places for each in run(iter(Ask(place.sessions.sessions_of, subject, now())))]
    return sorted(found, key=lambda session: session.created_at)


def pending_of(places: Iterable[Place], subject: str) -> list[Pending]:
    """What is pending for a user."""
    return [each for place in places for each in run(iter(Ask(place.pending.of_user, subject)))]


def forget_pending(places: Iterable[Place], subject: str) -> None:
    """Delete what is pending for a user."""
    for place in places:
        run(iter(Ask(place.pending.erase, subject)))


def revoke_token(places: Iterable[Place], token: str) -> TokenRecord | None:
    """Refuse an opaque token. Returns its record, also if it was revoked before, or None."""
    return _first(run(_revoke_token(_Stores.at(place), token_digest(token))) for place in places)


def revoke_record(places: Iterable[Place], token_id: str) -> TokenRecord | None:
    """Refuse the opaque token with that id. Returns its record, also if it was revoked before, or None."""
    return _first(_revoke_record(place, token_id) for place in places)


def revoke_signed(places: Iterable[Place], jti: str, expires_at: float | None = None) -> None:
    """Refuse the signed token with that ``jti`` until it expires.

    Args:
        places: the stores to write to.
        jti: the claim of the token.
        expires_at: when it expires, in seconds since the epoch; the longest lifetime of any token unless given.
    """
    ends = time.time() + LONGEST_TOKEN if expires_at is None else expires_at
    for place in places:
        run(revocation.end_signed_token(_Stores.at(place), jti, ends))


@dataclass(frozen=True, slots=True)
class _Stores:
    """The `TokenStores` of one place, for `authmw.stores.revocation`. No feed: the command verifies no tokens."""

    tokens: TokenKeeper
    families: FamilyStore
    revocations: RevocationStore
    sessions: SessionStore | None
    feed: None = None
    clock: Callable[[], float] = now

    @classmethod
    def at(cls, place: Place) -> _Stores:
        """The stores of `place`."""
        return cls(place.tokens, place.families, place.revocations, place.sessions)


def _first(answers: Iterable[T | None]) -> T | None:
    """The first answer that is not None. Takes every answer first, so that all places are written to."""
    return next((answer for answer in [*answers] if answer is not None), None)


def _end_user(place: Place, subject: str) -> Flow[int]:
    ended = yield from revocation.end_user(_Stores.at(place), subject)
    yield from Ask(place.pending.erase, subject)
    return ended


def _revoke_token(stores: _Stores, digest: str) -> Flow[TokenRecord | None]:
    record = yield from Ask(stores.tokens.find_token, digest)
    if record is not None:
        yield from revocation.end_token(stores, record)
    return record


def _revoke_record(place: Place, token_id: str) -> TokenRecord | None:
    try:
        record = place.tokens.revoke(token_id)
    except NotFound:
        return None
    run(revocation.end_token(_Stores.at(place), record))
    return record
