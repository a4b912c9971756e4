"""Stores that break the contract as stores do: they read, decide, and then write."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace

from authmw.stores.records import (
    Attempt,
    AttemptOutcome,
    NonceUse,
    Outcome,
    RefreshFamily,
    Reservation,
    Revocation,
    RevocationKind,
    RevocationPage,
    Rotation,
    RotationAnswer,
    TokenRecord,
    Wait,
)
from authmw.stores.renewal import renewed
from authmw.stores.session_records import BrowserSession, Pending, Renewal, RenewalAnswer


def round_trip() -> None:
    """The way to a database and back, in which other threads run."""
    time.sleep(0)


class BrokenFamilies:
    """Families that are read, changed and written back, with nothing to keep others out meanwhile."""

    def __init__(self) -> None:
        self._by_id: dict[str, RefreshFamily] = {}

    def add_family(self, family: RefreshFamily) -> None:
        self._by_id[family.id] = family

    def find_family(self, key: str) -> RefreshFamily | None:
        return next((each for each in list(self._by_id.values()) if each.key == key), None)

    def rotate(self, rotation: Rotation) -> RotationAnswer:
        family = self.find_family(rotation.key)
        if family is None or family.client_id != rotation.client_id:
            return RotationAnswer(Outcome.UNKNOWN)
        round_trip()
        if not family.is_live(rotation.now):
            return RotationAnswer(Outcome.ENDED, family)
        if rotation.presented == family.current:
            family = replace(
                family,
                previous=rotation.presented,
                current=rotation.successor,
                salt=rotation.salt,
                rotated_at=rotation.now,
                last_used_at=rotation.now,
                idle_until=min(rotation.idle_until, family.expires_at),
            )
            self._by_id[family.id] = family
            return RotationAnswer(Outcome.ROTATED, family)
        if rotation.presented == family.previous and rotation.now - family.rotated_at <= rotation.grace:
            return RotationAnswer(Outcome.RACED, family)
        self._by_id[family.id] = replace(family, revoked_at=rotation.now)
        return RotationAnswer(Outcome.REUSED, self._by_id[family.id])

    def end_family(self, family_id: str, at: float) -> RefreshFamily | None:
        family = self._by_id.get(family_id)
        round_trip()
        if family is not None and family.revoked_at is None:
            family = self._by_id[family_id] = replace(family, revoked_at=at)
        return family

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        live = [each for each in list(self._by_id.values()) if each.subject == subject and each.is_live(at)]
        return tuple(ended for each in live if (ended := self.end_family(each.id, at)) is not None)

    def end_session_families(self, session_id: str, at: float) -> tuple[RefreshFamily, ...]:
        live = [each for each in list(self._by_id.values()) if each.session_id == session_id and each.is_live(at)]
        return tuple(ended for each in live if (ended := self.end_family(each.id, at)) is not None)

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        live = [each for each in list(self._by_id.values()) if each.client_id == client_id and each.is_live(at)]
        return tuple(ended for each in live if (ended := self.end_family(each.id, at)) is not None)

    def families_of(self, subject: str, now: float) -> tuple[RefreshFamily, ...]:
        live = [each for each in list(self._by_id.values()) if each.subject == subject and each.is_live(now)]
        return tuple(sorted(live, key=lambda family: family.created_at))


class BrokenSessions:
    """Sessions that are read, changed and written back, with nothing to keep others out meanwhile."""

    def __init__(self) -> None:
        self._by_id: dict[str, BrowserSession] = {}

    def add_session(self, session: BrowserSession) -> None:
        self._by_id[session.id] = session

    def find_session(self, key: str) -> BrowserSession | None:
        return next((each for each in list(self._by_id.values()) if each.key == key), None)

    def renew_session(self, renewal: Renewal) -> RenewalAnswer:
        session = self.find_session(renewal.key)
        round_trip()
        answer = renewed(session, renewal)
        if answer.session is not None:
            self._by_id[answer.session.id] = answer.session
        return answer

    def touch_session(self, key: str, at: float) -> None:
        session = self.find_session(key)
        if session is not None and session.is_live(at) and session.last_used_at < at:
            round_trip()
            idle_until = min(max(session.idle_until, at + session.idle_for), session.expires_at)
            self._by_id[session.id] = replace(session, last_used_at=at, idle_until=idle_until)

    def end_session(self, session_id: str, at: float) -> BrowserSession | None:
        session = self._by_id.get(session_id)
        round_trip()
        if session is not None and session.ended_at is None:
            session = self._by_id[session_id] = replace(session, ended_at=at)
        return session

    def end_sessions(self, subject: str, at: float, keep: str = "") -> tuple[BrowserSession, ...]:
        live = [each for each in list(self._by_id.values()) if each.subject == subject and each.is_live(at)]
        return tuple(ended for each in live if each.id != keep and (ended := self.end_session(each.id, at)) is not None)

    def sessions_of(self, subject: str, now: float) -> tuple[BrowserSession, ...]:
        live = [each for each in list(self._by_id.values()) if each.subject == subject and each.is_live(now)]
        return tuple(sorted(live, key=lambda session: session.created_at))


class BrokenPending:
    """What is pending, looked up first and removed afterwards."""

    def __init__(self) -> None:
        self._kept: dict[str, Pending] = {}

    def put_pending(self, pending: Pending) -> None:
        self._kept[pending.digest] = pending

    def peek_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        found = self._kept.get(digest)
        return found if found is not None and found.kind == kind and now < found.expires_at else None

    def take_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        found = self.peek_pending(digest, kind, now)
        round_trip()
        if found is not None:
            self._kept.pop(digest, None)
        return found


class BrokenNonces:
    """Nonces that are looked up first and used afterwards."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        highest = self._counts.get(nonce, 0)
        round_trip()
        if count <= highest:
            return NonceUse.REPLAYED
        self._counts[nonce] = count
        return NonceUse.FRESH


class BrokenAsyncNonces:
    """The same on an event loop, with a round trip between the two."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    async def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        highest = self._counts.get(nonce, 0)
        await asyncio.sleep(0)
        if count <= highest:
            return NonceUse.REPLAYED
        self._counts[nonce] = count
        return NonceUse.FRESH


class AsyncNonces:
    """As it should be: nothing comes between the two."""

    def __init__(self) -> None:
        self._nonces = BrokenNonces()
        self.is_closed = False

    async def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        await asyncio.sleep(0)
        return self._nonces.use_nonce(nonce, count, expires_at)

    async def aclose(self) -> None:
        self.is_closed = True


class BrokenTokens:
    """Tokens whose revocation is not looked up again before it is noted."""

    def __init__(self) -> None:
        self._by_digest: dict[str, TokenRecord] = {}

    def find_token(self, digest: str) -> TokenRecord | None:
        return self._by_digest.get(digest)

    def add_token(self, record: TokenRecord) -> None:
        self._by_digest[record.digest] = record

    def revoke_token(self, digest: str, at: float) -> bool:
        record = self._by_digest.get(digest)
        round_trip()
        if record is None or record.revoked_at is not None:
            return False
        self._by_digest[digest] = replace(record, revoked_at=at)
        return True

    def revoke_family_tokens(self, family_id: str, at: float) -> None:
        for record in list(self._by_digest.values()):
            if record.family_id == family_id:
                self.revoke_token(record.digest, at)

    def revoke_subject_tokens(self, subject: str, at: float) -> None:
        for record in list(self._by_digest.values()):
            if record.subject == subject:
                self.revoke_token(record.digest, at)

    def revoke_client_tokens(self, client_id: str, at: float) -> None:
        for record in list(self._by_digest.values()):
            if record.client_id == client_id:
                self.revoke_token(record.digest, at)


class BrokenThrottle:
    """Checks that are counted after they were looked at. Failures are never forgotten."""

    def __init__(self, free: int = 5) -> None:
        self._free = free
        self._counts: dict[str, int] = {}

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        counted = self._counts.get(attempt.account, 0)
        round_trip()
        if counted >= self._free:
            return Wait(1.0)
        self._counts[attempt.account] = counted + 1
        return Reservation(attempt, held_until=now + 30.0)

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        if outcome is not AttemptOutcome.FAILED:
            counted = self._counts[reservation.attempt.account]
            round_trip()
            self._counts[reservation.attempt.account] = counted - 1

    def make_familiar(self, account: str, mark: str, until: float) -> None:
        raise NotImplementedError


class BrokenRevocations:
    """Revocations with numbers that are taken first and written afterwards, as rows by sequence are."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._published: dict[int, Revocation] = {}

    def publish(self, revocation: Revocation) -> None:
        number = next(self._numbers)
        round_trip()
        self._published[number] = revocation

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        after = int(cursor or 0)
        newer = sorted(number for number in list(self._published) if number > after)[:limit]
        return RevocationPage(tuple(self._published[number] for number in newer), str(newer[-1] if newer else after))

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        return tuple(each for each in list(self._published.values()) if (each.kind, each.id) in keys)
