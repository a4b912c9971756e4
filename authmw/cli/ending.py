"""Ending sessions and revoking tokens, so that running processes follow.

The database and Redis are asked alike, each for what it has: only one of them is what processes follow, and telling
the other one is no harm. A command that failed between two questions is run again; each may be asked twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final, TypeVar

from authmw.administration import NotFound
from authmw.cli.stores import Sessions
from authmw.flow import Ask, Flow, run
from authmw.ports import LONGEST_TOKEN, RefreshFamily, Revocation, TokenRecord
from authmw.tokens import digest

T = TypeVar("T")
_LEEWAY: Final = 300.0
"""Seconds for which a verifier may take a token beyond its end."""


def end_user(places: Iterable[Sessions], subject: str) -> int:
    """End all sessions of a user and refuse all tokens; how many sessions ended."""
    return sum(run(_end_user(place, subject)) for place in places)


def end_client(places: Iterable[Sessions], client_id: str) -> int:
    """End all sessions that a client has and refuse all its tokens; how many sessions ended."""
    return sum(run(_end_client(place, client_id)) for place in places)


def end_session(places: Iterable[Sessions], family_id: str) -> RefreshFamily | None:
    """End one session and refuse its tokens; the session, also when it had ended before, or None."""
    return _first(run(_end_session(place, family_id)) for place in places)


def end_session_with(places: Iterable[Sessions], key: str) -> RefreshFamily | None:
    """The same by the digest of what the session's refresh tokens begin with."""
    return _first(run(_end_session_with(place, key)) for place in places)


def revoke_token(places: Iterable[Sessions], token: str) -> TokenRecord | None:
    """Refuse an opaque token; its record, also when it was revoked before, or None."""
    return _first(run(_revoke_token(place, digest(token))) for place in places)


def revoke_record(places: Iterable[Sessions], token_id: str) -> TokenRecord | None:
    """The same by the token's id."""
    return _first(_revoke_record(place, token_id) for place in places)


def revoke_signed(places: Iterable[Sessions], jti: str, expires_at: float | None = None) -> Revocation:
    """Refuse the signed token with that ``jti``, until it has expired: at the latest when any token has."""
    now = time.time()
    ends = now + LONGEST_TOKEN if expires_at is None else expires_at + _LEEWAY
    revocation = Revocation("token", jti, now, ends)
    for place in places:
        run(_publish(place, revocation))
    return revocation


def sessions_of(places: Iterable[Sessions], subject: str) -> list[RefreshFamily]:
    """The sessions of a user, the oldest first."""
    found = [family for place in places for family in run(_sessions_of(place, subject))]
    return sorted(found, key=lambda family: family.created_at)


def _first(answers: Iterable[T | None]) -> T | None:
    return next((answer for answer in [*answers] if answer is not None), None)


# In each of these the revocation is as of after everything ended: what was still refreshed meanwhile is refused too.


def _end_user(place: Sessions, subject: str) -> Flow[int]:
    ended = yield from Ask(place.families.end_families, subject, time.time())
    yield from Ask(place.tokens.revoke_subject_tokens, subject, time.time())
    yield from _publish(place, Revocation.of_user(subject, time.time()))
    return len(ended)


def _end_client(place: Sessions, client_id: str) -> Flow[int]:
    ended = yield from Ask(place.families.end_client_families, client_id, time.time())
    yield from Ask(place.tokens.revoke_client_tokens, client_id, time.time())
    yield from _publish(place, Revocation.of_client(client_id, time.time()))
    return len(ended)


def _end_session(place: Sessions, family_id: str) -> Flow[RefreshFamily | None]:
    family = yield from Ask(place.families.end_family, family_id, time.time())
    if family is not None:
        yield from Ask(place.tokens.revoke_family_tokens, family_id, time.time())
        yield from _publish(place, Revocation.of_family(family_id, time.time()))
    return family


def _end_session_with(place: Sessions, key: str) -> Flow[RefreshFamily | None]:
    family = yield from Ask(place.families.find_family, key)
    if family is None:
        return None
    return (yield from _end_session(place, family.id))


def _revoke_record(place: Sessions, token_id: str) -> TokenRecord | None:
    try:
        record = place.tokens.revoke(token_id)
    except NotFound:
        return None
    run(_publish_token(place, record))
    return record


def _revoke_token(place: Sessions, token_digest: str) -> Flow[TokenRecord | None]:
    record = yield from Ask(place.tokens.find_token, token_digest)
    if record is not None:
        yield from Ask(place.tokens.revoke_token, token_digest, time.time())
        yield from _publish_token(place, record)
    return record


def _publish_token(place: Sessions, record: TokenRecord) -> Flow[None]:
    yield from _publish(place, Revocation("token", record.id, time.time(), record.expires_at + _LEEWAY))


def _publish(place: Sessions, revocation: Revocation) -> Flow[None]:
    yield from Ask(place.revocations.publish, revocation)


def _sessions_of(place: Sessions, subject: str) -> Flow[tuple[RefreshFamily, ...]]:
    return (yield from Ask(place.families.families_of, subject, time.time()))
