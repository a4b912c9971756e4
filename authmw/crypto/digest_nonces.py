"""Nonces of HTTP Digest (RFC 7616 §3.3, §5.4): time, random bits and a MAC. The server stores only used nonces."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from authmw.errors import ConfigurationError
from authmw.flow.clocks import now

_TIME: Final = 10  # hex digits, in seconds: enough until the year 36812
_RANDOM: Final = 16  # bytes
_MAC: Final = 16  # bytes
_LENGTH: Final = _TIME + 2 * _RANDOM + 2 * _MAC
_MIN_SECRET: Final = 32


_forks: list[str] = []
"""Random text, one for each fork between the first process and this one."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forks.append(os.urandom(_RANDOM).hex()))


class DigestNonces:
    """Makes the nonce and the opaque of challenges, and recognises the nonces that it made.

    The MAC is keyed BLAKE2b (RFC 7693 §2.9), which costs a third of HMAC-SHA-256. It covers the realm, so that a nonce
    of one protection space is not accepted in another one.

    Args:
        secret: at least 32 bytes. All processes that serve one realm share it, and the store of nonce counts. The
            default is a random secret, for a program of one process: after a restart clients get a new challenge, and
            the children of a fork do not accept each other's nonces.
        clock: returns the time, in seconds since the epoch.
        random: returns as many random bytes as its argument says.

    Raises:
        ConfigurationError: the secret has fewer than 32 bytes.

    >>> nonces = DigestNonces(clock=lambda: 1000.0)
    >>> nonces.issued_at(nonces.issue("orders"), "orders"), nonces.issued_at(nonces.issue("orders"), "other")
    (1000, None)
    """

    def __init__(
        self,
        *,
        secret: bytes | None = None,
        clock: Callable[[], float] = now,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if secret is not None and len(secret) < _MIN_SECRET:
            raise ConfigurationError("secret= of Digest nonces needs at least 32 bytes: secrets.token_bytes(32)")
        self._key = blake2b(random(_MIN_SECRET) if secret is None else secret, person=b"authmw digest").digest()
        self._is_shared = secret is not None
        self._clock = clock
        self._random = random

    def issue(self, realm: str) -> str:
        """A new nonce for `realm`, in lower-case hex."""
        unsigned = f"{int(self._clock()):0{_TIME}x}{self._random(_RANDOM).hex()}"
        return unsigned + self._mac(self._nonce, realm, unsigned)

    def issued_at(self, nonce: str, realm: str) -> int | None:
        """The time when `nonce` was issued for `realm`, in seconds since the epoch; None if it was not issued here."""
        if len(nonce) != _LENGTH or not nonce.isascii():
            return None
        unsigned, mac = nonce[: -2 * _MAC], nonce[-2 * _MAC :]
        if not hmac.compare_digest(self._mac(self._nonce, realm, unsigned).encode(), mac.encode()):
            return None
        return int(unsigned[:_TIME], 16)

    def opaque(self, realm: str) -> str:
        """The ``opaque`` of all challenges for `realm` (RFC 7616 §3.3)."""
        return self._mac("opaque", realm, "")

    @property
    def _nonce(self) -> str:
        # A server that forks after it loaded the application copies the random secret into each worker, but not the
        # nonce counts that are used later. Without this, a request could be replayed once in each worker (RFC 7616
        # §3.4: the server detects replays by the nonce count).
        return "nonce" if self._is_shared or not _forks else f"nonce {_forks[-1]}"

    def _mac(self, purpose: str, realm: str, text: str) -> str:
        message = f"{purpose}\0{realm}\0{text}".encode("utf-8", "replace")
        return blake2b(message, digest_size=_MAC, key=self._key).hexdigest()
