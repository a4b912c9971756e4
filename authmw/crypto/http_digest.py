"""The computations of HTTP Digest (RFC 7616 §3.4), and nothing else: no state, no clock, no parsing.

Names follow the RFC: A1, A2, and ``H`` for the hash of an algorithm in lower-case hex.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, Literal

from authmw.errors import ConfigurationError

DigestAlgorithm = Literal["MD5", "SHA-256", "SHA-512-256"]
"""The hash functions of RFC 7616 §3.3, without ``-sess``."""

DigestSessAlgorithm = Literal[
    "MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"
]  # fmt: skip
"""What may stand in ``algorithm=`` (RFC 7616 §6.1)."""

Hash = Callable[[bytes], str]
"""``H``: from octets to lower-case hex."""


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha512_256(data: bytes) -> str:
    # SHA-512/256 of FIPS 180-4 with its own initial values, not SHA-512 cut short (erratum 4897 to RFC 7616).
    return hashlib.new("sha512_256", data).hexdigest()


_HASHES: Final[dict[str, Hash]] = {"MD5": _md5, "SHA-256": _sha256, "SHA-512-256": _sha512_256}


def hash_of(algorithm: DigestAlgorithm) -> Hash:
    """``H`` of `algorithm`, named without ``-sess``.

    Raises:
        ConfigurationError: no such algorithm, or the OpenSSL of this Python lacks it.
    """
    if algorithm not in _HASHES:
        raise ConfigurationError(f"{algorithm!r} is no Digest algorithm: use one of {', '.join(_HASHES)}")
    try:
        _HASHES[algorithm](b"")
    except ValueError as error:
        raise ConfigurationError(f"the OpenSSL of this Python has no {algorithm}: use SHA-256") from error
    return _HASHES[algorithm]


def ha1(*, username: str, realm: str, password: str, algorithm: DigestAlgorithm = "SHA-256") -> str:
    """``H(A1)``, which a `DigestStore` keeps: ``H(username ":" realm ":" password)`` (RFC 7616 §3.4.2).

    It takes the place of the password for its realm and algorithm: whoever reads it can log in (DIG-8). User name and
    password go in as UTF-8, as they stand: give them in NFC (RFC 7616 §4), the name as it is looked up by.

    >>> ha1(username="Mufasa", realm="http-auth@example.org", password="Circle of Life", algorithm="MD5")
    '3d78807defe7de2157e2b0b6573a855f'
    """
    return hash_of(algorithm)(f"{username}:{realm}:{password}".encode())


def userhash(*, username: str, realm: str, algorithm: DigestAlgorithm = "SHA-256") -> str:
    """``H(username ":" realm)``, which stands for a user name that is not to be read on the wire (RFC 7616 §3.4.4)."""
    return hash_of(algorithm)(f"{username}:{realm}".encode())


def session_ha1(h: Hash, ha1: str, *, nonce: str, cnonce: str) -> str:
    """``H(A1)`` of an algorithm with ``-sess`` (RFC 7616 §3.4.2)."""
    return h(f"{ha1}:{nonce}:{cnonce}".encode("latin-1", "replace"))


def ha2(h: Hash, *, method: str, uri: str, body: bytes | None = None) -> str:
    """``H(A2)`` (RFC 7616 §3.4.3); with a `body`, that of auth-int. For the server's answer `method` is empty (§3.5).

    `uri` is text from the wire, in which each character is one octet.
    """
    a2 = f"{method}:{uri}" if body is None else f"{method}:{uri}:{h(body)}"
    return h(a2.encode("latin-1", "replace"))


def response(h: Hash, *, ha1: str, nonce: str, nc: str, cnonce: str, qop: str, ha2: str) -> str:
    """``KD(H(A1), nonce ":" nc ":" cnonce ":" qop ":" H(A2))`` (RFC 7616 §3.4.1), and rspauth likewise (§3.5)."""
    return h(f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}".encode("latin-1", "replace"))
