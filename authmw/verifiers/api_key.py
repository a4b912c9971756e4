"""Verifier of API keys, by a store of keys. The store is asked each time, so a revoked key is refused at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar, Final

from authmw.crypto.opaque_tokens import checked_prefix, has_checksum, token_digest
from authmw.errors import FlowError, StoreUnavailable, explains_arguments
from authmw.flow.application_code import in_words, is_of_application
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow, ask_now
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import ApiKey, BearerToken
from authmw.identity.principal import Principal
from authmw.identity.validity import Validity
from authmw.identity.verdict import Authenticated, Rejected, Remembered, Verdict
from authmw.stores.ports import ApiKeyStore, require_methods
from authmw.stores.records import ApiKeyRecord
from authmw.stores.revoked import Issuance

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

_MAX_KNOWN: Final = 2**15
_MAX_KNOWN_IN_MEMORY: Final = 2**17  # where the store has all keys in memory too
_log = logging.getLogger("authmw.keys")


class _Known:
    """A record from the store, and the verdict made from it."""

    __slots__ = ("record", "touch_at", "valid_until", "verdict")

    def __init__(self, record: ApiKeyRecord, touch_at: float, scheme: str, clock: Callable[[], float]) -> None:
        self.record = record
        self.touch_at = touch_at
        expires_at = float("inf") if record.expires_at is None else record.expires_at
        self.valid_until = expires_at if record.revoked_at is None else float("-inf")
        self.verdict = Remembered(
            Principal(
                record.owner,
                scopes=record.scopes,
                kind="api_key",
                scheme=scheme,
                credential_id=record.id,
                expires_at=record.expires_at,
                name=record.name,
            ),
            validities=() if record.expires_at is None else (Validity(expires_at, clock),),
        )


@explains_arguments("ApiKeyVerifier(stores.keys)")
class ApiKeyVerifier:
    """Verifies API keys, in a header of their own or as a bearer token.

    A bearer token with another prefix is left to the next alternative. A bad key that came as a bearer token is refused
    as a bad token (RFC 6750 §3.1).

    Args:
        keys: finds keys by their digest.
        prefix: the text before the underscore, with which the keys of the store begin. None for keys of any shape that
            another program made: then only the store finds a typing error, and every bearer token is read as a key.
        touch_every: seconds. Each process writes the last use of a key at most once in that time.
        revocations: the feed of revocations. With it, a connection that a key has opened ends when its owner is
            disabled. The store is asked for each request in any case.
        clock: seconds since the epoch.

    >>> from authmw import APIKeyHeader, Auth
    >>> from authmw.stores import MemoryApiKeys
    >>> auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(MemoryApiKeys())))
    """

    asks: ClassVar[tuple[str, ...]] = ("find_key", "touch_key")
    """The methods of stores that it calls."""
    accepts: ClassVar[tuple[type, ...]] = (ApiKey, BearerToken)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        keys: ApiKeyStore,
        *,
        prefix: str | None = "ak",
        touch_every: Seconds = 60.0,
        revocations: RevocationFeed | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        require_methods("ApiKeyVerifier", keys, "find_key", "touch_key")
        self._keys = keys
        self._prefix = None if prefix is None else checked_prefix(prefix)
        self._start = "" if prefix is None else f"{prefix}_"
        self._touch_every: float = seconds(touch_every, "touch_every")
        self._revocations = revocations
        self._clock = clock
        self._is_asked_directly = CallMode.of(keys.find_key) is CallMode.NONBLOCKING
        self._is_foreign = is_of_application(keys.find_key)
        # The store is asked each time. This cache only saves the construction of the same principal and a second check
        # of the shape. Only keys that the store has found are in it, so clients without a key cannot fill it.
        self._is_in_memory: bool = getattr(keys, "in_memory", False) is True
        most = _MAX_KNOWN_IN_MEMORY if self._is_in_memory else _MAX_KNOWN
        self._known = BoundedCache[str, _Known](most, clock=clock)
        self._lock = threading.Lock()

    @property
    def expects(self) -> str:
        """The kind of key that it knows, for the log."""
        return f"an API key that begins with {self._start}"

    def verify(self, credentials: ApiKey | BearerToken, request: RequestHead) -> Verdict | Flow[Verdict | None] | None:
        """The verdict on the key; None for a bearer token with another prefix."""
        if isinstance(credentials, ApiKey):
            key, bearer = credentials.key, False
        else:
            key, bearer = credentials.token, True
            if not key.startswith(self._start):
                return None
        if not key.isascii():
            return _rejected(Reason.KEY_UNKNOWN, bearer, "not ASCII")
        sought = token_digest(key)
        known = self._known.get(sought)
        if known is None and not self._is_well_formed(key):
            return _rejected(Reason.KEY_UNKNOWN, bearer, "the shape or the checksum is wrong")
        if not self._is_asked_directly or (self._is_foreign and request.around is not None):
            return self._ask(sought, known, bearer)
        record = ask_now(self._keys.find_key, sought)
        if known is not None and record is known.record:
            now = self._clock()
            if now < known.valid_until and now < known.touch_at:
                return known.verdict if self._revocations is None else self._followed(known, now)
        return self._judge(sought, record, known, bearer)

    @property
    def recalls(self) -> bool:
        """Whether `recall` says of a key what `verify` says: nothing is replaced, and the store is one in memory."""
        is_ours = type(self) is ApiKeyVerifier and "verify" not in vars(self) and not self._is_foreign
        return is_ours and self._revocations is None and self._is_in_memory

    def recall(self, key: bytes) -> Remembered | None:
        """The verdict on a key that was good before, if the store still answers the same record.

        The store is asked, so a revoked key is not recalled. None where anything else has to be looked at, or waited
        for: then `verify` decides.

        Args:
            key: the key, as the client sent it.
        """
        sought = sha256(key).hexdigest()
        known = self._known.get(sought)
        if known is None or b"," in key:  # two keys, in two lines that a server has joined
            return None
        try:
            record = self._keys.find_key(sought)
        except Exception:  # `verify` asks again, and says what it raised
            return None
        if record is not known.record:
            return None
        now = self._clock()
        return known.verdict if now < known.valid_until and now < known.touch_at else None

    def _ask(self, sought: str, known: _Known | None, bearer: bool) -> Flow[Verdict]:
        record = yield from Ask(self._keys.find_key, sought)
        return (yield from self._judge(sought, record, known, bearer))

    def _judge(self, sought: str, record: object, known: _Known | None, bearer: bool) -> Flow[Verdict]:
        if record is None:
            return _rejected(Reason.KEY_UNKNOWN, bearer)
        if not isinstance(record, ApiKeyRecord):
            raise FlowError(f"find_key answers an ApiKeyRecord or None, not {type(record).__name__}")
        # Defence in depth: the store may compare loosely, as without case. This compares exactly and in constant time.
        if not compare_digest(record.digest.encode(), sought.encode()):
            return _rejected(Reason.KEY_UNKNOWN, bearer)
        if known is None or record != known.record:
            known = self._keep(sought, record)
        if record.revoked_at is not None:
            return _rejected(Reason.KEY_REVOKED, bearer, f"key {record.id}")
        now = self._clock()
        if now >= known.valid_until:
            return _rejected(Reason.KEY_EXPIRED, bearer, f"key {record.id}")
        if self._may_touch(known, now):
            try:
                yield from Ask(self._keys.touch_key, record.id, now)
            except StoreUnavailable as error:
                # The key is valid. A failure to write its last use is no reason to refuse it.
                _log.warning(
                    "the last use of a key was not written: %s", in_words(error), extra={"credential": record.id}
                )
        return self._followed(known, now)

    def _followed(self, known: _Known, now: float) -> Authenticated:
        """The verdict, which holds for an open connection until the owner is disabled after `now`."""
        if self._revocations is None:
            return known.verdict
        issuance = Issuance(known.record.id, None, known.record.owner, None, now)
        validity = Validity(known.valid_until, self._clock, self._revocations, issuance)
        return Authenticated(known.verdict.principal, validities=(validity,))

    def _is_well_formed(self, key: str) -> bool:
        if self._prefix is None:
            return bool(key) and key.isprintable() and " " not in key
        return has_checksum(key, self._prefix)

    def _keep(self, sought: str, record: ApiKeyRecord) -> _Known:
        touch_at = float("-inf") if record.last_used_at is None else record.last_used_at + self._touch_every
        with self._lock:
            known = self._known.get(sought)
            if known is not None and known.record == record:
                return known
            if known is not None:
                touch_at = max(touch_at, known.touch_at)
            fresh = _Known(record, touch_at, self.scheme, self._clock)
            self._known.put(sought, fresh)
            return fresh

    def _may_touch(self, known: _Known, now: float) -> bool:
        """Whether this request has to write the last use. Of several concurrent requests, one has to."""
        with self._lock:
            if now < known.touch_at:
                return False
            known.touch_at = now + self._touch_every
            return True


_AS_TOKEN: Final = {
    Reason.KEY_UNKNOWN: Reason.TOKEN_UNKNOWN,
    Reason.KEY_EXPIRED: Reason.TOKEN_EXPIRED,
    Reason.KEY_REVOKED: Reason.TOKEN_REVOKED,
}


def _rejected(reason: Reason, bearer: bool, detail: str = "") -> Rejected:
    return Rejected(_AS_TOKEN[reason] if bearer else reason, detail)
