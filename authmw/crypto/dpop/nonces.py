"""Nonces of the server for DPoP clients (RFC 9449 §8, §9): a time and a MAC. The server stores nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

from authmw.errors import ConfigurationError
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds

_TIME: Final = 10  # hex digits, in seconds: enough until the year 36812
_MAC: Final = 16  # bytes
_LENGTH: Final = _TIME + 2 * _MAC
_MIN_SECRET: Final = 32


class DPoPNonces:
    """Makes the values of ``DPoP-Nonce``, and recognises the nonces that it made.

    With nonces, a client cannot make proofs in advance (RFC 9449 §11.2), and its clock does not matter. All processes
    with the same secret accept each other's nonces.

    Args:
        secret: at least 32 bytes, used only for this purpose; or several secrets, of which the first makes nonces and
            all are accepted. To replace a secret, put the new one first. Remove the old one `max_age` seconds after the
            last process got the new one.
        max_age: seconds until a nonce expires, 10 to 3600. After half of that time, each response contains the next
            nonce.
        clock: returns the time, in seconds since the epoch.

    Raises:
        ConfigurationError: an argument is wrong. The message names all mistakes.

    >>> nonces = DPoPNonces(b"a secret of at least thirty-two bytes", clock=lambda: 1000.0)
    >>> nonces.issued_at(nonces.issue()), nonces.issued_at("000000000f" + 32 * "0")
    (1000, None)
    """

    def __init__(
        self,
        secret: bytes | Sequence[bytes],
        *,
        max_age: Seconds = 300,
        clock: Callable[[], float] = now,
    ) -> None:
        secrets: list[Any] = [secret] if isinstance(secret, bytes | str) else list(secret)
        mistakes: list[str] = []
        if not secrets or not all(isinstance(each, bytes) and len(each) >= _MIN_SECRET for each in secrets):
            mistakes.append("DPoPNonces needs a secret of at least 32 bytes: secrets.token_bytes(32)")
        max_age = seconds(max_age, "max_age")
        if not 10 <= max_age <= 3600:
            mistakes.append("max_age= of DPoPNonces has to be 10 to 3600 seconds: max_age=300")
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._keys = tuple(blake2b(each, person=b"authmw dpop").digest() for each in secrets)
        self.max_age: float = max_age
        self._clock = clock

    def issue(self) -> str:
        """The nonce for the current time, in lower-case hex."""
        unsigned = f"{int(self._clock()):0{_TIME}x}"
        return unsigned + _mac(unsigned, self._keys[0])

    def issued_at(self, nonce: str) -> int | None:
        """The time when `nonce` was issued, in seconds since the epoch; None if it was not made with these secrets."""
        if len(nonce) != _LENGTH or not nonce.isascii():
            return None
        unsigned, mac = nonce[:_TIME], nonce[_TIME:].encode()
        if not any(hmac.compare_digest(_mac(unsigned, key).encode(), mac) for key in self._keys):
            return None
        return int(unsigned, 16)


def _mac(text: str, key: bytes) -> str:
    return blake2b(text.encode("ascii"), digest_size=_MAC, key=key).hexdigest()
