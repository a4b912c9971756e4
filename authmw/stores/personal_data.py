"""Personal data: the document of everything that stores keep about a user, without secrets and digests.

A person may ask for it (GDPR Art. 15 and 20). It has no password hash, no HA1 and no digest of a key or token: those
would help a thief of the document, and tell the person nothing. Times are texts in UTC (RFC 3339).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from authmw.stores.records import ApiKeyRecord, RefreshFamily, Revocation, TokenRecord, User
from authmw.stores.session_records import BrowserSession, Pending

_LATEST: Final = 253_402_300_799.0
"""The end of the year 9999, after which `datetime` has no time."""


def document_of(
    user: User,
    *,
    created_at: float | None,
    disabled_at: float | None,
    digests: Iterable[tuple[str, str]],
    keys: Iterable[ApiKeyRecord],
    tokens: Iterable[TokenRecord],
    families: Iterable[RefreshFamily],
    browser_sessions: Iterable[BrowserSession],
    pending: Iterable[Pending],
    revocations: Iterable[Revocation],
    familiar_until: Iterable[float],
) -> dict[str, Any]:
    """The document of a user.

    Args:
        user: the user.
        created_at: in seconds since the epoch; None if the store does not keep it.
        disabled_at: in seconds since the epoch; None if the user is not disabled, or the store does not keep it.
        digests: the realm and the algorithm of each HA1.
        keys: the API keys of the user.
        tokens: the opaque tokens of the user.
        families: the chains of refresh tokens of the user, also those that have ended.
        browser_sessions: the browser sessions of the user, also those that have ended.
        pending: what the user has begun and not finished.
        revocations: the revocations of what the user was issued.
        familiar_until: for each place that the user logged in from, until when it is known.
    """
    return {
        "user": {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "email_verified": user.email_verified,
            "scopes": sorted(user.scopes),
            "attributes": dict(user.attributes),
            "disabled": user.disabled,
            "disabled_at": moment(disabled_at),
            "created_at": moment(created_at),
            "has_password": user.password_hash is not None,
            "digest_realms": [{"realm": realm, "algorithm": algorithm} for realm, algorithm in sorted(digests)],
        },
        "api_keys": [api_key(each) for each in keys],
        "tokens": [token(each) for each in tokens],
        "sessions": [session(each) for each in families],
        "browser_sessions": [browser_session(each) for each in browser_sessions],
        "pending": [begun(each) for each in pending],
        "revocations": [{"at": moment(each.at), "kept_until": moment(each.expires_at)} for each in revocations],
        "known_login_sources": [{"known_until": moment(until)} for until in sorted(familiar_until)],
    }


def api_key(record: ApiKeyRecord) -> dict[str, Any]:
    """An API key, without its digest."""
    return {
        "id": record.id,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "created_at": moment(record.created_at),
        "expires_at": moment(record.expires_at),
        "revoked_at": moment(record.revoked_at),
        "last_used_at": moment(record.last_used_at),
    }


def token(record: TokenRecord) -> dict[str, Any]:
    """An opaque access token, without its digest."""
    return {
        "id": record.id,
        "scopes": sorted(record.scopes),
        "audience": sorted(record.audience),
        "client_id": record.client_id,
        "session": record.family_id,
        "created_at": moment(record.created_at),
        "expires_at": moment(record.expires_at),
        "revoked_at": moment(record.revoked_at),
    }


def session(family: RefreshFamily) -> dict[str, Any]:
    """A session, without the digests of its refresh tokens."""
    return {
        "id": family.id,
        "name": family.name,
        "username": family.username,
        "client_id": family.client_id,
        "scopes": sorted(family.scopes),
        "created_at": moment(family.created_at),
        "last_used_at": moment(family.last_used_at),
        "idle_until": moment(family.idle_until),
        "expires_at": moment(family.expires_at),
        "ended_at": moment(family.revoked_at),
    }


def browser_session(session: BrowserSession) -> dict[str, Any]:
    """A browser session, without the digests of its cookie."""
    return {
        "id": session.id,
        "name": session.name,
        "scopes": sorted(session.scopes),
        "authenticated_by": list(session.amr),
        "remembered": session.remembered,
        "created_at": moment(session.created_at),
        "authenticated_at": moment(session.authenticated_at),
        "last_used_at": moment(session.last_used_at),
        "idle_until": moment(session.idle_until),
        "expires_at": moment(session.expires_at),
        "ended_at": moment(session.ended_at),
    }


def begun(pending: Pending) -> dict[str, Any]:
    """What the user has begun and not finished, without the digest of its secret."""
    return {"kind": pending.kind, "expires_at": moment(pending.expires_at)}


def moment(at: float | None) -> str | None:
    """A time in seconds since the epoch, as text in UTC (RFC 3339 §5.6); None for None.

    >>> moment(0.0), moment(float("inf")), moment(None)
    ('1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', None)
    """
    return None if at is None else f"{datetime.fromtimestamp(min(at, _LATEST), UTC):%Y-%m-%dT%H:%M:%SZ}"
