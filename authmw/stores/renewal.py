"""Decision about the renewal of a browser session. Every store of authmw uses it."""

from __future__ import annotations

from dataclasses import replace

from authmw.stores.rotation import same_digest
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome


def is_within_grace(session: BrowserSession, presented: str, now: float, grace: float) -> bool:
    """Whether `presented` is the digest of the value before the current one, and was replaced a moment ago."""
    # With a grace of 0, never: neither in the same instant nor when the clock of this process is behind.
    return grace > 0 and now - session.renewed_at <= grace and same_digest(presented, session.previous)


def renewed(session: BrowserSession | None, renewal: Renewal) -> RenewalAnswer:
    """The outcome of `renewal`, and the session after it; see `authmw.stores.SessionStore.renew_session`.

    >>> from authmw.stores import Renewal
    >>> renewed(None, Renewal("key", "presented", "successor", "salt", 0.0, frozenset())).outcome.value
    'unknown'
    """
    if session is None:
        return RenewalAnswer(RenewalOutcome.UNKNOWN)
    now = renewal.now
    if not session.is_live(now):
        return RenewalAnswer(RenewalOutcome.ENDED, session)
    if same_digest(renewal.presented, session.current):
        after = replace(
            session,
            previous=renewal.presented,
            current=renewal.successor,
            salt=renewal.salt,
            renewed_at=now,
            last_used_at=max(now, session.last_used_at),
            idle_until=min(max(now + session.idle_for, session.idle_until), session.expires_at),
            scopes=renewal.scopes,
            authenticated_at=session.authenticated_at if renewal.authenticated_at is None else renewal.authenticated_at,
            amr=session.amr if renewal.amr is None else renewal.amr,
            acr=session.acr if renewal.acr is None else renewal.acr,
        )
        return RenewalAnswer(RenewalOutcome.RENEWED, after)
    if is_within_grace(session, renewal.presented, now, renewal.grace):
        return RenewalAnswer(RenewalOutcome.RACED, session)
    return RenewalAnswer(RenewalOutcome.UNKNOWN)
