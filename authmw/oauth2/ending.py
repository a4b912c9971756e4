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


class Kept(Protocol):
    """What ending something takes of a token service. The command has as much of one, and no more."""

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Sessions."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """What every process follows."""
        ...

    @property
    def feed(self) -> RevocationFeed | None:
        """How this process follows it; None for one that verifies nothing."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...


def publish(kept: Kept, *revocations: Revocation) -> Flow[None]:
    """Tell every process of revocations, one after the other. This one honours each as soon as it is stored."""
    for revocation in revocations:
        yield from Ask(kept.revocations.publish, revocation)
        _note(kept, revocation)


def _publish_once(kept: Kept, revocation: Revocation) -> Flow[None]:
    """Tell of the end of one token or session, unless that is known: to say it again and again must fill no store."""
    known = yield from Ask(kept.revocations.find_revocations, ((revocation.kind, revocation.id),))
    if known:
        _note(kept, *known)
    else:
        yield from publish(kept, revocation)


def _note(kept: Kept, *revocations: Revocation) -> None:
    if kept.feed is not None:
        for revocation in revocations:
            kept.feed.note(revocation)


def refuse_access_tokens(kept: Kept, family_id: str, at: float) -> Flow[None]:
    """Refuse every access token of a session from now on, everywhere. Its refresh tokens are the family's matter."""
    yield from Ask(kept.tokens.revoke_family_tokens, family_id, at)
    # Last, so that one that is published tells that both were done.
    yield from _publish_once(kept, Revocation.of_family(family_id, at))


def end_session(kept: Kept, session_id: str) -> Flow[RefreshFamily | None]:
    """End a session, whoever's it is; the session, also when it had ended before, or None."""
    now = kept.clock()
    family = yield from Ask(kept.families.end_family, session_id, now)
    yield from refuse_access_tokens(kept, session_id, now)
    return family


def end_user(kept: Kept, subject: str) -> Flow[int]:
    """End all sessions of a user and refuse every access token; how many ended."""
    now = kept.clock()
    # First: a login under way that is not found below finds this.
    yield from publish(kept, Revocation.of_user(subject, now))
    ended = yield from Ask(kept.families.end_families, subject, now)
    yield from Ask(kept.tokens.revoke_subject_tokens, subject, now)
    return (yield from _publish_each(kept, ended, now))


def end_client(kept: Kept, client_id: str) -> Flow[int]:
    """End all sessions of a client and refuse every token of it; how many ended."""
    now = kept.clock()
    yield from publish(kept, Revocation.of_client(client_id, now))
    ended = yield from Ask(kept.families.end_client_families, client_id, now)
    yield from Ask(kept.tokens.revoke_client_tokens, client_id, now)
    return (yield from _publish_each(kept, ended, now))


def end_token(kept: Kept, record: TokenRecord) -> Flow[None]:
    """Refuse an opaque token."""
    now = kept.clock()
    yield from Ask(kept.tokens.revoke_token, record.digest, now)
    # For whoever remembers it.
    yield from _publish_once(kept, Revocation.of_token(record.id, now, record.expires_at))


def end_signed_token(kept: Kept, jti: str, expires_at: float) -> Flow[None]:
    """Refuse a JWT, which was stored nowhere: verifiers that follow the revocations know it by its ``jti``."""
    yield from _publish_once(kept, Revocation.of_token(jti, kept.clock(), expires_at))


def _publish_each(kept: Kept, ended: tuple[RefreshFamily, ...], at: float) -> Flow[int]:
    # Each session by itself too: an ``iat`` has whole seconds, and what was issued just after an earlier logout is
    # dated ahead of this one.
    yield from publish(kept, *(Revocation.of_family(family.id, at) for family in ended))
    return len(ended)
