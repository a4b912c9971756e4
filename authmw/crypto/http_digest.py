"""Computations of HTTP Digest (RFC 7616 §3.4), without state, clock and parsing.

The names are those of the RFC: A1, A2, and ``H`` for the hash function of an algorithm, with lower-case hex output.
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
"""The values of ``algorithm=`` (RFC 7616 §6.1)."""

Hash = Callable[[bytes], str]
"""``H``: octets → lower-case hex."""


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha512_256(data: bytes) -> str:
    # SHA-512/256 of FIPS 180-4 has its own initial values. It is not a truncated SHA-512 (erratum 4897 of RFC 7616).
    return hashlib.new("sha512_256", data).hexdigest()


_HASHES: Final[dict[str, Hash]] = {"MD5": _md5, "SHA-256": _sha256, "SHA-512-256": _sha512_256}


def hash_of(algorithm: DigestAlgorithm) -> Hash:
    """``H`` of `algorithm`, named without ``-sess``.

    Raises:
        ConfigurationError: there is no such algorithm, or the OpenSSL of this Python does not have it.
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

    It replaces the password for its realm and algorithm, so that a reader of the store can log in with it (RFC 7616
    §5.2): protect it like a password. User name and password are encoded as UTF-8 without any change. Pass them in
    NFC (RFC 7616 §4), and the user name as the store knows it.

    Raises:
        ConfigurationError: as `hash_of`.

    >>> ha1(username="Mufasa", realm="http-auth@example.org", password="Circle of Life", algorithm="MD5")
    '3d78807defe7de2157e2b0b6573a855f'
    """
    return hash_of(algorithm)(f"{username}:{realm}:{password}".encode())


def userhash(*, username: str, realm: str, algorithm: DigestAlgorithm = "SHA-256") -> str:
    """``H(username ":" realm)``, which a client sends instead of the user name to hide it (RFC 7616 §3.4.4).

    Raises:
        ConfigurationError: as `hash_of`.
    """
    return hash_of(algorithm)(f"{username}:{realm}".encode())


def session_ha1(h: Hash, ha1: str, *, nonce: str, cnonce: str) -> str:
    """``H(A1)`` of an algorithm with ``-sess`` (RFC 7616 §3.4.2)."""
    return h(f"{ha1}:{nonce}:{cnonce}".encode("latin-1", "replace"))


def ha2(h: Hash, *, method: str, uri: str, body: bytes | None = None) -> str:
    """``H(A2)`` (RFC 7616 §3.4.3).

    Args:
        h: the hash function.
        method: the method of the request; empty for ``rspauth`` of the server (§3.5).
        uri: the ``uri`` as the client sent it, in which each character is one octet.
        body: the body, with auth-int; None with auth.
    """
    a2 = f"{method}:{uri}" if body is None else f"{method}:{uri}:{h(body)}"
    return h(a2.encode("latin-1", "replace"))


def response(h: Hash, *, ha1: str, nonce: str, nc: str, cnonce: str, qop: str, ha2: str) -> str:
    """``KD(H(A1), nonce ":" nc ":" cnonce ":" qop ":" H(A2))`` (RFC 7616 §3.4.1); also for ``rspauth`` (§3.5)."""
    return h(f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}".encode("latin-1", "replace"))
