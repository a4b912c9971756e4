"""Password hashes of Werkzeug (scrypt, pbkdf2) and Django (pbkdf2): only verified, until the next login replaces them.

A hash in another format, or one that needs more work than the limits below allow, matches no password. Nothing here
raises. These programs hashed the password as the user typed it, so it is not normalised. Only pass passwords that
`authmw.crypto.passwords.prepared` accepts: HMAC pads a short key with NULs (RFC 2104 §2), so that a password and the
same password with NULs at its end have the same hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import b2a_base64
from typing import Final

MAX_PBKDF2_ITERATIONS: Final = 5_000_000
"""Django 6 and Werkzeug 3 use about a million."""
MAX_SCRYPT_WORK: Final = 2**21
"""The largest ``N * r * p``: 256 MiB of memory with p = 1. Werkzeug uses 2**18, OWASP's largest profile 2**20."""

# method[:parameter...]$salt$hex                                  werkzeug.security.generate_password_hash
_WERKZEUG_SCRYPT: Final = re.compile(r"scrypt:(\d{1,9}):(\d{1,9}):(\d{1,9})\$([^$\x00]+)\$([0-9a-f]{128})", re.ASCII)
_WERKZEUG_PBKDF2: Final = re.compile(
    r"pbkdf2:(sha1|sha256|sha512):(\d{1,9})\$([^$\x00]+)\$([0-9a-f]{40,128})", re.ASCII
)
# algorithm$iterations$salt$base64                                django.contrib.auth.hashers
_DJANGO_PBKDF2: Final = re.compile(r"pbkdf2_(sha1|sha256)\$(\d{1,9})\$([^$\x00]+)\$([A-Za-z0-9+/]{27,43}=)", re.ASCII)


def matches(*, password: str, encoded: str) -> bool:
    """Whether `encoded` is a hash of `password`. A hash in an unknown format matches nothing. Never raises."""
    try:
        secret = password.encode()
        found = _WERKZEUG_SCRYPT.fullmatch(encoded)
        if found:
            n, r, p, salt, digest = found.groups()
            return _equal(_scrypt(secret, salt, int(n), int(r), int(p)).hex(), digest)
        found = _WERKZEUG_PBKDF2.fullmatch(encoded)
        if found:
            hash_name, iterations, salt, digest = found.groups()
            return _equal(_pbkdf2(secret, salt, hash_name, int(iterations)).hex(), digest)
        found = _DJANGO_PBKDF2.fullmatch(encoded)
        if found:
            hash_name, iterations, salt, digest = found.groups()
            return _equal(b2a_base64(_pbkdf2(secret, salt, hash_name, int(iterations)), newline=False).decode(), digest)
    except (ValueError, OverflowError, MemoryError, AttributeError):
        # A lone surrogate in the password, parameters that OpenSSL refuses, or a Python without scrypt.
        return False
    return False


def _scrypt(secret: bytes, salt: str, n: int, r: int, p: int) -> bytes:
    if n * r * p > MAX_SCRYPT_WORK:
        raise ValueError("costs more than is allowed")
    # RFC 7914 §5: ROMix needs 128 * N * r bytes. OpenSSL adds the other buffers to that.
    return hashlib.scrypt(secret, salt=salt.encode(), n=n, r=r, p=p, maxmem=128 * r * (n + p + 4), dklen=64)


def _pbkdf2(secret: bytes, salt: str, hash_name: str, iterations: int) -> bytes:
    if iterations > MAX_PBKDF2_ITERATIONS:
        raise ValueError("costs more than is allowed")
    return hashlib.pbkdf2_hmac(hash_name, secret, salt.encode(), iterations)


def _equal(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())
