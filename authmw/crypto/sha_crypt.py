"""SHA-crypt: the hashes ``$5$`` and ``$6$`` of Unix and passlib, by the specification of U. Drepper (2008).

Python's own ``crypt`` is gone since 3.13. The names A, B, DP, DS, P and S are those of the specification.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

_ALPHABET: Final = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sha_crypt(secret: bytes, salt: bytes, rounds: int, name: Literal["sha256", "sha512"]) -> str:
    """The last part of the hash: the digest in the base64 of crypt.

    >>> sha_crypt(b"Hello world!", b"saltstring", 5000, "sha256")
    '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'
    """
    new = getattr(hashlib, name)
    b = new(secret + salt + secret).digest()
    a = new(secret + salt + _repeated(b, len(secret)))
    bits = len(secret)
    while bits:  # from the lowest bit on
        a.update(b if bits & 1 else secret)
        bits >>= 1
    digest: bytes = a.digest()
    p = _repeated(new(secret * len(secret)).digest(), len(secret))
    s = _repeated(new(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        odd = number & 1
        step = p if odd else digest
        if number % 3:
            step += s
        if number % 7:
            step += p
        digest = new(step + (digest if odd else p)).digest()
    return _base64(digest)


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _base64(digest: bytes) -> str:
    """Three octets at a time, in the order of the specification, the lowest six bits first."""
    third = len(digest) // 3
    turn = 2 if len(digest) == 32 else 1
    out = bytearray()
    for first in range(third):
        triple = (first, first + third, first + 2 * third)
        at = first * turn % 3
        high, middle, low = triple[at:] + triple[:at]
        _append(out, digest[high] << 16 | digest[middle] << 8 | digest[low], 4)
    rest = digest[3 * third :][::-1]
    _append(out, int.from_bytes(rest), len(rest) + 1)
    return out.decode("ascii")


def _append(out: bytearray, value: int, count: int) -> None:
    for _ in range(count):
        out.append(_ALPHABET[value & 63])
        value >>= 6
