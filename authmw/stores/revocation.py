"""Revocation of sessions, of everything that a user or a client was issued, and of single tokens.

Each function writes in one order: first the family, so that it is refreshed no more; then its opaque access tokens;
last the published revocation, so that a revocation that is published shows that the rest is done. Every step may be
repeated, and after an interruption all of them are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authmw.events.hub import hub
from authmw.events.records import Revoked
from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import FamilyStore, RevocationStore, TokenKeeper
from authmw.stores.records import RefreshFamily, Revocation, TokenRecord
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.session_ports import SessionStore
from authmw.stores.session_records import BrowserSession


class TokenStores(Protocol):
    """The stores of issued tokens and sessions, and the feed of what was revoked. The command line has these too."""

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Chains of refresh tokens."""
        ...

    @property
    def sessions(self) -> SessionStore | None:
        """Browser sessions; None where there are none."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """Revocations, which every process follows."""
        ...

    @property
    def feed(self) -> RevocationFeed | None:
        """The revocations that this process knows of; None for a process that verifies nothing."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...


def publish(stores: TokenStores, *revocations: Revocation) -> Flow[None]:
    """Publish revocations to every process, one after the other. This process obeys each as soon as it is stored."""
    for revocation in revocations:
        yield from Ask(stores.revocations.publish, revocation)
        _note(stores, revocation)
        if hub.listening:
            kind = "session" if revocation.kind == "family" else revocation.kind
            hub.emit(Revoked(kind=kind, id=revocation.id))


def _publish_once(stores: TokenStores, revocation: Revocation) -> Flow[None]:
    """Publish the revocation of one token or session unless it is published: repetition must not fill the store."""
    known = yield from Ask(stores.revocations.find_revocations, ((revocation.kind, revocation.id),))
    if known:
        _note(stores, *known)
    else:
        yield from publish(stores, revocation)


def _note(stores: TokenStores, *revocations: Revocation) -> None:
    if stores.feed is not None:
        for revocation in revocations:
            stores.feed.note(revocation)


def refuse_access_tokens(stores: TokenStores, family_id: str, at: float) -> Flow[None]:
    """Revoke every access token of a session. Its refresh tokens end with its family, which is not touched here."""
    yield from Ask(stores.tokens.revoke_family_tokens, family_id, at)
    # Last: a published revocation shows that both are done.
    yield from _publish_once(stores, Revocation.of_family(family_id, at))


def end_session(stores: TokenStores, session_id: str) -> Flow[RefreshFamily | None]:
    """End a session of any user; the session, also where it had ended before, or None."""
    now = stores.clock()
    family = yield from Ask(stores.families.end_family, session_id, now)
    yield from refuse_access_tokens(stores, session_id, now)
    return family


def end_user(stores: TokenStores, subject: str) -> Flow[int]:
    """End all sessions of a user and revoke every access token; the number of sessions that ended."""
    now = stores.clock()
    # First: a login in progress, whose family is not stored yet, finds this revocation.
    yield from publish(stores, Revocation.of_user(subject, now))
    ended = yield from Ask(stores.families.end_families, subject, now)
    yield from Ask(stores.tokens.revoke_subject_tokens, subject, now)
    of_browsers = yield from _end_browser_sessions(stores, subject, now)
    return (yield from _publish_each(stores, [family.id for family in ended] + of_browsers, now))


def revoke_before(stores: TokenStores, subject: str, at: float) -> Flow[None]:
    """Revoke what a user was issued or has proved until `at`, as a new password does. Sessions do not end by it.

    A session whose user proves who it is after `at` goes on. What was remembered of it, and connections that it opened,
    end.
    """
    yield from publish(stores, Revocation.of_user(subject, at))
    yield from Ask(stores.tokens.revoke_subject_tokens, subject, at)


def end_other_sessions(stores: TokenStores, subject: str, keep: BrowserSession) -> Flow[int]:
    """End all sessions of a user but one browser session; the number of sessions that ended.

    Signed access tokens of the user are refused if they belong to a session. One that does not expires by itself.
    """
    now = stores.clock()
    families = yield from Ask(stores.families.families_of, subject, now)
    ended = [family.id for family in families if family.session_id != keep.id]
    for family_id in ended:
        yield from Ask(stores.families.end_family, family_id, now)
        yield from Ask(stores.tokens.revoke_family_tokens, family_id, now)
    of_browsers = yield from _end_browser_sessions(stores, subject, now, keep.id)
    return (yield from _publish_each(stores, ended + of_browsers, now))


def end_browser_session(stores: TokenStores, sessions: SessionStore, session_id: str) -> Flow[BrowserSession | None]:
    """End a browser session, with the chains of refresh tokens that belong to it.

    It may be repeated: what an interruption left is done then.

    Returns:
        The session, also if it had ended before; None if `sessions` has no such session.
    """
    now = stores.clock()
    session = yield from Ask(sessions.end_session, session_id, now)
    for family in (yield from Ask(stores.families.end_session_families, session_id, now)):
        yield from refuse_access_tokens(stores, family.id, now)
    # Last: a published revocation shows that the rest is done.
    yield from refuse_access_tokens(stores, session_id, now)
    return session


def _end_browser_sessions(stores: TokenStores, subject: str, now: float, keep: str = "") -> Flow[list[str]]:
    if stores.sessions is None:
        return []
    ended = yield from Ask(stores.sessions.end_sessions, subject, now, keep)
    return [session.id for session in ended]


def end_client(stores: TokenStores, client_id: str) -> Flow[int]:
    """End all sessions of a client and revoke every token of it; the number of sessions that ended."""
    now = stores.clock()
    yield from publish(stores, Revocation.of_client(client_id, now))
    ended = yield from Ask(stores.families.end_client_families, client_id, now)
    yield from Ask(stores.tokens.revoke_client_tokens, client_id, now)
    return (yield from _publish_each(stores, [family.id for family in ended], now))


def end_token(stores: TokenStores, record: TokenRecord) -> Flow[None]:
    """Revoke an opaque access token."""
    now = stores.clock()
    yield from Ask(stores.tokens.revoke_token, record.digest, now)
    # For processes that have its verdict in their cache.
    yield from _publish_once(stores, Revocation.of_token(record.id, now, record.expires_at))


def end_signed_token(stores: TokenStores, jti: str, expires_at: float) -> Flow[None]:
    """Revoke a JWT, which is in no store: verifiers that follow the revocations refuse its ``jti``."""
    yield from _publish_once(stores, Revocation.of_token(jti, stores.clock(), expires_at))


def _publish_each(stores: TokenStores, ended: list[str], at: float) -> Flow[int]:
    # Each session by itself too: an ``iat`` has whole seconds, so a token issued in the second of an earlier logout is
    # dated after this revocation.
    yield from publish(stores, *(Revocation.of_family(session_id, at) for session_id in ended))
    return len(ended)
