"""What is over from now on: sessions, all that a user or a client was issued, and single tokens.

Each of these writes in one order: the family, so that nothing is refreshed any more; its opaque access tokens; and
then what every process follows, so that what is published of a family tells that the rest was done. Each of these may
be done twice, and whoever was interrupted does them all again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import FamilyStore, RevocationStore, TokenKeeper
from authmw.stores.records import RefreshFamily, Revocation, TokenRecord
from authmw.stores.revocation_feed import RevocationFeed


class TokenStores(Protocol):
    """The stores of issued tokens and sessions, and the feed of what was revoked. The command line has these too."""

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""

    @property
    def families(self) -> FamilyStore:
        """Sessions."""

    @property
    def revocations(self) -> RevocationStore:
        """Revocations, which every process follows."""

    @property
    def feed(self) -> RevocationFeed | None:
        """The revocations that this process knows of; None for a process that verifies nothing."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""


def publish(stores: TokenStores, *revocations: Revocation) -> Flow[None]:
    """Tell every process of revocations, one after the other. This one honours each as soon as it is stored."""
    for revocation in revocations:
        yield from Ask(stores.revocations.publish, revocation)
        _note(stores, revocation)


def _publish_once(stores: TokenStores, revocation: Revocation) -> Flow[None]:
    """Tell of the end of one token or session, unless that is known: to say it again and again must fill no store."""
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
    """Refuse every access token of a session from now on, everywhere. Its refresh tokens are the family's matter."""
    yield from Ask(stores.tokens.revoke_family_tokens, family_id, at)
    # Last, so that one that is published tells that both were done.
    yield from _publish_once(stores, Revocation.of_family(family_id, at))


def end_session(stores: TokenStores, session_id: str) -> Flow[RefreshFamily | None]:
    """End a session, whoever's it is; the session, also when it had ended before, or None."""
    now = stores.clock()
    family = yield from Ask(stores.families.end_family, session_id, now)
    yield from refuse_access_tokens(stores, session_id, now)
    return family


def end_user(stores: TokenStores, subject: str) -> Flow[int]:
    """End all sessions of a user and refuse every access token; how many ended."""
    now = stores.clock()
    # First: a login under way that is not found below finds this.
    yield from publish(stores, Revocation.of_user(subject, now))
    ended = yield from Ask(stores.families.end_families, subject, now)
    yield from Ask(stores.tokens.revoke_subject_tokens, subject, now)
    return (yield from _publish_each(stores, ended, now))


def end_client(stores: TokenStores, client_id: str) -> Flow[int]:
    """End all sessions of a client and refuse every token of it; how many ended."""
    now = stores.clock()
    yield from publish(stores, Revocation.of_client(client_id, now))
    ended = yield from Ask(stores.families.end_client_families, client_id, now)
    yield from Ask(stores.tokens.revoke_client_tokens, client_id, now)
    return (yield from _publish_each(stores, ended, now))


def end_token(stores: TokenStores, record: TokenRecord) -> Flow[None]:
    """Refuse an opaque token."""
    now = stores.clock()
    yield from Ask(stores.tokens.revoke_token, record.digest, now)
    # For whoever remembers it.
    yield from _publish_once(stores, Revocation.of_token(record.id, now, record.expires_at))


def end_signed_token(stores: TokenStores, jti: str, expires_at: float) -> Flow[None]:
    """Refuse a JWT, which was stored nowhere: verifiers that follow the revocations know it by its ``jti``."""
    yield from _publish_once(stores, Revocation.of_token(jti, stores.clock(), expires_at))


def _publish_each(stores: TokenStores, ended: tuple[RefreshFamily, ...], at: float) -> Flow[int]:
    # Each session by itself too: an ``iat`` has whole seconds, and what was issued just after an earlier logout is
    # dated ahead of this one.
    yield from publish(stores, *(Revocation.of_family(family.id, at) for family in ended))
    return len(ended)
