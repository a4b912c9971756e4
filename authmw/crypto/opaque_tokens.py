"""API keys and opaque tokens as text: a prefix that tells what it is, randomness, and a checksum.

::

    ak_ 7Qm…30 characters…x2 5c0a91f3
    │   │                    └ CRC-32 of all before it, in hex
    │   └ 178 random bits, in base 62
    └ what it is: ``ak`` for an API key, ``at`` for an access token

The shape is the one GitHub gave its tokens in 2021, and for its reasons: a scanner finds a leaked one by its prefix,
a typing error is told from a revoked key without asking a store, and a double click selects all of it. Each character
is one of b64token (RFC 6750 §2.1), so either travels as a bearer token; none is a dot, so neither looks like a JWT.

The checksum proves nothing, since anybody can compute it. Only the digest is ever stored; with 178 random bits a
plain SHA-256 is as safe there as a slow hash.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from zlib import crc32

from authmw.errors import ConfigurationError

Entropy = Callable[[int], bytes]
"""So many random bytes: `os.urandom`, or something predictable in a test."""

RANDOM_LENGTH: Final = 30
"""Random characters of a key or token: 62 ** 30 is more than 2 ** 178."""
CHECKSUM_LENGTH: Final = 8
"""Characters of the checksum."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = len("_") + RANDOM_LENGTH + CHECKSUM_LENGTH
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
_ID_LENGTH = 12


def new_api_key(prefix: str = "ak", *, entropy: Entropy = os.urandom) -> str:
    """A new API key. Show it once, store its `token_digest`.

    Args:
        prefix: what tells the application's keys from others, as ``ak``.
        entropy: where the randomness comes from.

    Raises:
        ConfigurationError: the prefix is not made of lower-case letters and digits.

    >>> key = new_api_key()
    >>> key[:3], len(key), has_checksum(key, "ak")
    ('ak_', 41, True)
    """
    head = f"{checked_prefix(prefix)}_{_random(RANDOM_LENGTH, entropy)}"
    return head + checksum(head)


def new_token(prefix: str = "at", *, entropy: Entropy = os.urandom) -> str:
    """A new opaque token, of the same shape as an API key.

    >>> new_token().startswith("at_")
    True
    """
    return new_api_key(prefix, entropy=entropy)


def new_id(prefix: str, *, entropy: Entropy = os.urandom) -> str:
    """A new identifier for a record, as ``key_7Qm3x9Zk3Pqa``. It is no secret, and stands in logs.

    >>> len(new_id("key"))
    16
    """
    return f"{checked_prefix(prefix)}_{_random(_ID_LENGTH, entropy)}"


def token_digest(text: str) -> str:
    """What is stored in place of a key or token: its SHA-256, in lower-case hex.

    >>> token_digest("abc")[:16]
    'ba7816bf8f01cfea'
    """
    return sha256(text.encode()).hexdigest()


def has_checksum(text: str, prefix: str) -> bool:
    """Whether `text` has the prefix, the length and the checksum of a key or token.

    It tells a typing error, and no more: what passes is still nobody's until a store knows its digest.

    >>> has_checksum("ak_" + "0" * 38, "ak"), has_checksum("", "ak")
    (False, False)
    """
    return (
        len(text) == len(prefix) + _LENGTH
        and text.isascii()
        and text.startswith(f"{prefix}_")
        and text.endswith(checksum(text[:-CHECKSUM_LENGTH]))
    )


def checked_prefix(prefix: str) -> str:
    """`prefix`, or a `ConfigurationError`. Without an underscore in it, no prefix is the beginning of another's keys.

    >>> checked_prefix("ak")
    'ak'
    """
    if _PREFIX.fullmatch(prefix) is None:
        raise ConfigurationError(f"{prefix!r} is not a prefix: use at most 16 lower-case letters and digits, as 'ak'")
    return prefix


def _random(length: int, entropy: Entropy) -> str:
    # About 80 bits more than needed make the remainder of the division as good as even.
    return base62(entropy(length * 6 // 8 + 10), length)


def base62(octets: bytes, length: int) -> str:
    """The number in `octets` in `length` letters and digits, the rest of it left out.

    >>> base62(bytes([1, 0]), 3)
    '840'
    """
    number = int.from_bytes(octets)
    characters: list[str] = []
    for _ in range(length):
        number, remainder = divmod(number, 62)
        characters.append(_ALPHABET[remainder])
    return "".join(characters)


def checksum(head: str) -> str:
    """What a key or token ends with: the CRC-32 of all before, in lower-case hex.

    >>> checksum("ak_")
    'cb89860c'
    """
    return f"{crc32(head.encode()):08x}"
