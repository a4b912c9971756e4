"""Nonces of Digest: a time, random bits and a MAC, so that the server keeps nothing until one is used (DIG-2)."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from authmw.errors import ConfigurationError

_TIME: Final = 10  # hex digits, in seconds: enough until the year 36812
_RANDOM: Final = 16  # bytes
_MAC: Final = 16  # bytes
_LENGTH: Final = _TIME + 2 * _RANDOM + 2 * _MAC
_MIN_SECRET: Final = 32


_forks: list[str] = []
"""Something random for each fork that this process descends from."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forks.append(os.urandom(_RANDOM).hex()))


class DigestNonces:
    """Issues the nonces and opaques of challenges, and knows its own again.

    The MAC is keyed BLAKE2b (RFC 7693 §2.9), a third of the cost of HMAC-SHA-256. It covers the realm too, so that
    what was issued for one protection space is nothing in another.

    Args:
        secret: at least 32 bytes, shared by all processes that answer for one realm, as is the store of their counts.
            By default it is random, for a program of one process: after a restart, clients are asked again, and the
            children of a fork do not know each other's nonces.
        clock: seconds since the epoch.
        random: makes random bytes.

    >>> nonces = DigestNonces(clock=lambda: 1000.0)
    >>> nonces.issued_at(nonces.issue("orders"), "orders"), nonces.issued_at(nonces.issue("orders"), "other")
    (1000, None)
    """

    def __init__(
        self,
        *,
        secret: bytes | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if secret is not None and len(secret) < _MIN_SECRET:
            raise ConfigurationError("secret= of Digest nonces needs at least 32 bytes: secrets.token_bytes(32)")
        self._key = blake2b(random(_MIN_SECRET) if secret is None else secret, person=b"authmw digest").digest()
        self._is_shared = secret is not None
        self._clock = clock
        self._random = random

    def issue(self, realm: str) -> str:
        """A new nonce for `realm`: lower-case hex."""
        unsigned = f"{int(self._clock()):0{_TIME}x}{self._random(_RANDOM).hex()}"
        return unsigned + self._mac(self._nonce, realm, unsigned)

    def issued_at(self, nonce: str, realm: str) -> int | None:
        """When `nonce` was issued for `realm`, in seconds since the epoch; None when it was not issued here."""
        if len(nonce) != _LENGTH or not nonce.isascii():
            return None
        unsigned, mac = nonce[: -2 * _MAC], nonce[-2 * _MAC :]
        if not hmac.compare_digest(self._mac(self._nonce, realm, unsigned).encode(), mac.encode()):
            return None
        return int(unsigned[:_TIME], 16)

    def opaque(self, realm: str) -> str:
        """The opaque of every challenge for `realm`."""
        return self._mac("opaque", realm, "")

    @property
    def _nonce(self) -> str:
        # A server that forks after it loaded the application copies the key, and not what was used since: a request
        # could be replayed once to each worker (DIG-3).
        return "nonce" if self._is_shared or not _forks else f"nonce {_forks[-1]}"

    def _mac(self, purpose: str, realm: str, text: str) -> str:
        message = f"{purpose}\0{realm}\0{text}".encode("utf-8", "replace")
        return blake2b(message, digest_size=_MAC, key=self._key).hexdigest()
