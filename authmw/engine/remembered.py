"""Cache of verified credentials, keyed by the SHA-256 of the ``Authorization`` value. No entry outlives its token.

Only successes that a signature proves, or whose revocations this process follows, are kept
(`Authenticated.remember_until`). The key is the digest of the whole header, so one credential cannot get the result of
another, and no credential stays in memory. A change of keys drops all entries. An entry whose token may have been
revoked is not returned (`Authenticated.still_holds`).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from authmw.flow.bounded_cache import BoundedCache, Holds

if TYPE_CHECKING:
    from authmw.engine.authentication import Authentication


def canonical(header: bytes) -> bytes:
    """The one spelling under which an ``Authorization`` value is remembered (RFC 9110 §11.1 allows many).

    The case of the scheme and the spaces around the credential are no part of it. Otherwise one token in many spellings
    would evict all others.

    >>> canonical(b" bEaReR   t0ken\t")
    b'Bearer t0ken'
    """
    scheme, _, credential = header.strip(b" \t").partition(b" ")
    return b"%b %b" % (scheme.capitalize(), credential.lstrip(b" "))


class _Several:
    """Verifiers whose results one cache has."""

    __slots__ = ("_verifiers",)

    def __init__(self, verifiers: tuple[Any, ...]) -> None:
        self._verifiers = verifiers

    @property
    def version(self) -> tuple[Any, ...]:
        """The versions of all."""
        return tuple([each.version for each in self._verifiers])


class Memo(BoundedCache[bytes, "Authentication"]):
    """A bounded cache of verified ``Authorization`` values.

    Args:
        size: maximum number of entries; the oldest is dropped first.
        clock: returns the time in seconds since the epoch.
        verifiers: those of the entries. When the ``version`` of one (that of its keys) changes, all are dropped.
    """

    __slots__ = ("_seen", "_verifier")

    def __init__(self, size: int, clock: Callable[[], float], *verifiers: Any) -> None:
        super().__init__(size, clock=clock, names=_names)
        self._verifier = verifiers[0] if len(verifiers) == 1 else _Several(verifiers)
        self._seen = self._verifier.version

    def recall(self, header: bytes) -> Authentication | None:
        """The result for this ``Authorization`` value; None where it is not remembered or not valid any more.

        A value in another spelling than the canonical one is not found here.
        """
        try:
            is_current = self._verifier.version == self._seen
        except Exception:  # as in `_version_now`, without the call
            return None
        return self.get(sha256(header).digest()) if is_current else None

    def recall_other_spelling(self, header: str | None) -> Authentication | None:
        """The result for a value that `recall` does not find because of its spelling."""
        if header is None or not header.isascii():
            return None
        scheme, _, credential = header.partition(" ")
        if scheme and scheme == scheme.capitalize() and credential == credential.strip(" \t"):
            return None  # it is spelt as `canonical` spells it
        return self.recall(canonical(header.encode()))

    def remember(
        self, header: bytes, authentication: Authentication, until: float, version: Any, holds: Holds | None = None
    ) -> None:
        """Remember a success until `until`, and return it only while it `holds`.

        `version` is the one from before the verification: if keys changed or entries were dropped since then, the
        success is not remembered.
        """
        with self._lock:
            now = self._version_now()
            if now != self._seen:
                self._clear()
                self._seen = now
            if version == (self._seen, self._generation):
                self._put(sha256(canonical(header)).digest(), authentication, until, holds)

    @property
    def version(self) -> Any:
        """State that a verification depends on: read it before the verification, and give it to `remember`."""
        return self._version_now(), self._generation

    def _version_now(self) -> Any:
        try:
            return self._verifier.version
        except Exception:  # the property of a verifier of the application: nothing is remembered, and all is verified
            return object()

    def forget(self, *, principal: str = "", credential: str = "", client: str = "") -> None:
        """Drop the entries of a principal, a credential or a client. Verifications that are running are not remembered.

        It takes constant time: an entry that is never read again stays in memory until it is evicted.
        """
        named = (("principal", principal), ("credential", credential), ("client", client))
        self.drop_named(*[(kind, name) for kind, name in named if name])


def _names(authentication: Authentication) -> tuple[tuple[str, str | None], ...]:
    """What `Memo.forget` may name."""
    principal = authentication.principal
    return ("principal", principal.id), ("credential", principal.credential_id), ("client", principal.client_id)
