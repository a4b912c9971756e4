"""Nonces that the server gives to DPoP clients (RFC 9449 §8, §9): a time and a MAC, so that nothing is kept of them."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

from authmw.errors import ConfigurationError

_TIME: Final = 10  # hex digits, in seconds: enough until the year 36812
_MAC: Final = 16  # bytes
_LENGTH: Final = _TIME + 2 * _MAC
_MIN_SECRET: Final = 32


class DPoPNonces:
    """Issues the values of ``DPoP-Nonce``, and knows its own again.

    With them a proof cannot be made ahead of its time, and the client's clock no longer counts. All that have the
    secret know each other's nonces.

    Args:
        secret: at least 32 bytes, of this purpose only; or several, of which the first makes nonces and all are
            known: put a new one first, and take the old one out `max_age` seconds after the last process has it.
        max_age: seconds until a client has to take the next nonce. Past half of it, it is told the next one with
            each answer.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: all that is wrong with the arguments.

    >>> nonces = DPoPNonces(b"a secret of at least thirty-two bytes", clock=lambda: 1000.0)
    >>> nonces.issued_at(nonces.issue()), nonces.issued_at("000000000f" + 32 * "0")
    (1000, None)
    """

    def __init__(
        self,
        secret: bytes | Sequence[bytes],
        *,
        max_age: int = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        secrets: list[Any] = [secret] if isinstance(secret, bytes | str) else list(secret)
        mistakes: list[str] = []
        if not secrets or not all(isinstance(each, bytes) and len(each) >= _MIN_SECRET for each in secrets):
            mistakes.append("DPoPNonces needs a secret of at least 32 bytes: secrets.token_bytes(32)")
        if not 10 <= max_age <= 3600:
            mistakes.append("max_age= of DPoP nonces is 10 to 3600 seconds")
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._keys = tuple(blake2b(each, person=b"authmw dpop").digest() for each in secrets)
        self.max_age = max_age
        self._clock = clock

    def issue(self) -> str:
        """The nonce of this moment: lower-case hex."""
        unsigned = f"{int(self._clock()):0{_TIME}x}"
        return unsigned + _mac(unsigned, self._keys[0])

    def issued_at(self, nonce: str) -> int | None:
        """When `nonce` was issued, in seconds since the epoch; None when it was not issued here."""
        if len(nonce) != _LENGTH or not nonce.isascii():
            return None
        unsigned, mac = nonce[:_TIME], nonce[_TIME:].encode()
        if not any(hmac.compare_digest(_mac(unsigned, key).encode(), mac) for key in self._keys):
            return None
        return int(unsigned, 16)


def _mac(text: str, key: bytes) -> str:
    return blake2b(text.encode("ascii"), digest_size=_MAC, key=key).hexdigest()
