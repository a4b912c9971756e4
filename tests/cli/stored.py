"""What the commands find in a database, and what they left there."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace

from authmw_sqlalchemy import SQLStores

from authmw.cli.stores import Place
from authmw.crypto.opaque_tokens import new_token, token_digest
from authmw.flow.flow import Ask, Flow, run
from authmw.stores.records import RefreshFamily, Revocation, RevocationKind, TokenRecord
from authmw.stores.session_records import BrowserSession, Pending


@contextmanager
def opened(url: str = "sqlite:///app.db", *, ago: float = 0.0) -> Generator[SQLStores]:
    """The stores at `url`, for as long as the block runs, by a clock that is `ago` seconds slow."""
    stores = SQLStores(url, clock=lambda: time.time() - ago)
    try:
        yield stores
    finally:
        stores.close()


def begin_session(
    place: Place,
    family_id: str,
    *,
    subject: str = "alice",
    client_id: str = "web",
    key: str = "",
    name: str = "",
    session_id: str | None = None,
) -> str:
    """Store a live session with one opaque access token, which is given back."""
    family = _family(family_id, subject=subject, client_id=client_id, key=key, name=name)
    return run(_begin(place, replace(family, session_id=session_id)))


def begin_browser_session(place: Place, session_id: str, *, subject: str = "alice", name: str = "") -> BrowserSession:
    """Store a live session of a browser, and a link to a new password that is pending."""
    at = time.time()
    session = BrowserSession(
        id=session_id,
        key=token_digest(f"the beginning of {session_id}"),
        current=token_digest(f"the value of {session_id}"),
        subject=subject,
        scopes=frozenset({"orders:read"}),
        created_at=at,
        authenticated_at=at,
        expires_at=at + 7200,
        idle_for=3600.0,
        idle_until=at + 3600,
        last_used_at=at,
        name=name,
    )
    run(iter(Ask(place.sessions.add_session, session)))
    pending = Pending(token_digest(f"the link of {session_id}"), "recovery", subject, at + 600)
    run(iter(Ask(place.pending.put_pending, pending)))
    return session


def is_browser_live(place: Place, session_id: str, subject: str = "alice") -> bool:
    """Whether the session of a browser goes on."""
    found = run(iter(Ask(place.sessions.sessions_of, subject, time.time())))
    return any(session.id == session_id for session in found)


def is_pending(place: Place, subject: str = "alice") -> bool:
    """Whether anything is pending for a user."""
    return bool(run(iter(Ask(place.pending.of_user, subject))))


def is_live(place: Place, family_id: str, subject: str = "alice") -> bool:
    """Whether the session goes on."""
    return any(family.id == family_id for family in run(_families(place, subject)))


def is_good(place: Place, token: str) -> bool:
    """Whether the opaque token is neither unknown nor revoked."""
    record = run(_record(place, token))
    return record is not None and record.revoked_at is None


def published(place: Place, kind: RevocationKind, id: str) -> list[Revocation]:
    """What running processes will learn about `id`."""
    return [each for each in run(_revocations(place)) if (each.kind, each.id) == (kind, id)]


def _family(family_id: str, *, subject: str, client_id: str, key: str, name: str) -> RefreshFamily:
    now = time.time()
    return RefreshFamily(
        family_id,
        key or token_digest(f"the beginning of {family_id}"),
        token_digest(f"the token of {family_id}"),
        subject,
        subject,
        client_id,
        frozenset({"orders:read"}),
        created_at=now,
        expires_at=now + 7200,
        idle_until=now + 3600,
        name=name,
    )


def _begin(place: Place, family: RefreshFamily) -> Flow[str]:
    token = new_token()
    record = TokenRecord(
        f"tok_of_{family.id}",
        token_digest(token),
        family.subject,
        time.time() + 600,
        client_id=family.client_id,
        created_at=time.time(),
        family_id=family.id,
    )
    yield from Ask(place.families.add_family, family)
    yield from Ask(place.tokens.add_token, record)
    return token


def _families(place: Place, subject: str) -> Flow[Iterable[RefreshFamily]]:
    return (yield from Ask(place.families.families_of, subject, time.time()))


def _record(place: Place, token: str) -> Flow[TokenRecord | None]:
    return (yield from Ask(place.tokens.find_token, token_digest(token)))


def _revocations(place: Place) -> Flow[Iterable[Revocation]]:
    return (yield from Ask(place.revocations.revocations_after, "", 1000)).revocations
