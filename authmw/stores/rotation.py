"""Decision about a presented refresh token. Every store of authmw uses it."""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest

from authmw.stores.records import Outcome, RefreshFamily, Rotation, RotationAnswer


def rotated(family: RefreshFamily | None, rotation: Rotation) -> RotationAnswer:
    """The outcome of `rotation`, and the family after it; see `authmw.stores.FamilyStore.rotate`.

    >>> from authmw.stores import Rotation
    >>> rotated(None, Rotation("key", "presented", "successor", "salt", None, 0.0, 60.0)).outcome.value
    'unknown'
    """
    if family is None or family.client_id != rotation.client_id:
        return RotationAnswer(Outcome.UNKNOWN)
    now = rotation.now
    if not family.is_live(now):
        return RotationAnswer(Outcome.ENDED, family)
    if same_digest(rotation.presented, family.current):
        renewed = replace(
            family,
            previous=rotation.presented,
            current=rotation.successor,
            salt=rotation.salt,
            rotated_at=now,
            last_used_at=now,
            idle_until=min(rotation.idle_until, family.expires_at),
        )
        return RotationAnswer(Outcome.ROTATED, renewed)
    # With a grace of 0, never: neither in the same instant nor when the clock of this process is behind.
    has_grace = rotation.grace > 0 and now - family.rotated_at <= rotation.grace
    if has_grace and same_digest(rotation.presented, family.previous):
        return RotationAnswer(Outcome.RACED, family)
    return RotationAnswer(Outcome.REUSED, replace(family, revoked_at=now))


def same_digest(presented: str, kept: str) -> bool:
    """Whether a presented refresh token, by its digest, is the one whose digest is kept."""
    # A family without a refresh token has an empty digest, which nothing matches.
    return bool(kept) and compare_digest(presented.encode(), kept.encode())
