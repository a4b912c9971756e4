"""Passwords at rest: argon2id by named profiles, older hashes verified once more and then replaced.

Which strings are passwords is said in `prepared`. Every check does at least the work of one argon2 hash with the
current parameters, whatever the stored hash and the password are (PWD-2).
"""

from __future__ import annotations

import os
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, NoReturn

from authmw.crypto import legacy_hashes
from authmw.errors import ConfigurationError

MAX_PASSWORD_BYTES: Final = 1024
"""The longest password, in bytes of UTF-8 (BAS-4). Argon2 costs the same at any length; parsing does not (PWD-5)."""

_SALT_BYTES: Final = 16  # RFC 9106 §3.1
_DIGEST_BYTES: Final = 32
# Beyond RFC_9106_HIGH_MEMORY (2 GiB, t=1, p=4) a stored hash is a mistake, and verifying it would stop the server.
_MAX_MEMORY_KIB: Final = 2**21
_MAX_TIME: Final = 64
_MAX_LANES: Final = 64

# Cc of Unicode: C0, DEL and C1. RFC 8265 §4.1 lets no control character into a password either.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# $argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>      the PHC string format
_ARGON2: Final = re.compile(
    r"\$argon2(id|i|d)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", re.ASCII
)


class Match(Enum):
    """What came of comparing a password with a hash. Compared by ``is``: as a truth value it raises."""

    MATCH = "match"
    MATCH_OUTDATED = "match, and the hash wants to be replaced by a new one"
    MISMATCH = "mismatch"

    def __bool__(self) -> NoReturn:
        raise TypeError("a Match is compared by `is`: `match is not Match.MISMATCH`")


@dataclass(frozen=True, slots=True)
class Argon2Profile:
    """The parameters of argon2id (RFC 9106 §3.1).

    Args:
        memory: KiB.
        time: passes over the memory.
        lanes: degree of parallelism.
    """

    memory: int
    time: int
    lanes: int

    def __post_init__(self) -> None:
        # RFC 9106 §3.1: at least 8 KiB for each lane.
        if self.time < 1 or self.lanes < 1 or self.memory < 8 * self.lanes:
            raise ConfigurationError("Argon2Profile needs time >= 1, lanes >= 1 and memory >= 8 * lanes (KiB)")
        if self.time > _MAX_TIME or self.lanes > _MAX_LANES or self.memory > _MAX_MEMORY_KIB:
            raise ConfigurationError("Argon2Profile allows time <= 64, lanes <= 64 and memory <= 2 GiB")


RFC_9106_LOW_MEMORY: Final = Argon2Profile(memory=64 * 1024, time=3, lanes=4)
"""The second recommendation of RFC 9106 §4, the default: about 150 ms on one core."""
OWASP_MINIMUM: Final = Argon2Profile(memory=19 * 1024, time=2, lanes=1)
"""The least that the OWASP Password Storage Cheat Sheet and ASVS 5.0 allow: about 18 ms."""
CHEAPEST: Final = Argon2Profile(memory=8, time=1, lanes=1)
"""Only for testing: worth nothing against anybody who has the hashes."""


def prepared(password: str) -> bytes | None:
    """The bytes that are hashed for `password`; None when that is no password.

    The preparation is the OpaqueString profile of RFC 8265 §4.2 as far as Normalization Form C and UTF-8 go: nothing
    else is mapped, nothing trimmed, case is kept. Refused are the empty string, control characters (Cc), lone
    surrogates, and more than 1,024 bytes (before and after NFC).

    >>> prepared("pa\u0308ss") == "p\u00e4ss".encode()
    True
    >>> prepared("null\\0") is None
    True
    """
    # The characters are counted first, so that normalising is bounded.
    if not password or len(password) > MAX_PASSWORD_BYTES or _CONTROL.search(password) is not None:
        return None
    try:
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            return None
        secret = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= MAX_PASSWORD_BYTES else None


class PasswordHasher:
    """Hashes passwords with argon2id and verifies them, older hashes too.

    Args:
        profile: the parameters for new hashes. A hash with any others still verifies, and is then outdated.
        random: makes salts.

    >>> hasher = PasswordHasher(CHEAPEST)
    >>> hasher.verify(password="correct horse", hash=hasher.hash("correct horse"))
    <Match.MATCH: 'match'>
    """

    def __init__(
        self, profile: Argon2Profile = RFC_9106_LOW_MEMORY, *, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        _check_profile(profile)
        self.profile = profile
        self._random = random
        # Random bytes in the place of a digest: verifying costs what a real hash costs, making it costs nothing.
        self.dummy: Final = (
            f"$argon2id$v=19$m={profile.memory},t={profile.time},p={profile.lanes}"
            f"${_unpadded(random(_SALT_BYTES))}${_unpadded(random(_DIGEST_BYTES))}"
        )
        """A hash with the current parameters that fits no password: for users who have none, or do not exist."""

    def hash(self, password: str) -> str:
        """A new hash of `password`, in the PHC string format.

        Raises:
            ValueError: `password` is no password, as `prepared` says.
        """
        secret = prepared(password)
        if secret is None:
            raise ValueError("a password has 1 to 1024 bytes of UTF-8 and no control characters")
        from argon2.low_level import Type, hash_secret

        profile = self.profile
        return hash_secret(
            secret, self._random(_SALT_BYTES), profile.time, profile.memory, profile.lanes, _DIGEST_BYTES, Type.ID
        ).decode("ascii")

    def verify(self, *, password: str, hash: str) -> Match:
        """Whether `hash` is one of `password`. An unknown format matches nothing; never raises.

        It never costs less than one hash with the current parameters. An outdated hash that does not match costs its
        own work besides.
        """
        secret = prepared(password)
        if secret is None:
            return self._mismatch()
        parameters = _ARGON2.fullmatch(hash)
        if parameters is None:
            fitting = legacy_hashes.fits(password=password, encoded=hash)
            return Match.MATCH_OUTDATED if fitting else self._mismatch()
        if not _is_bounded(parameters):
            return self._mismatch()
        return self._verify_argon2(secret, hash, parameters)

    def _verify_argon2(self, secret: bytes, encoded: str, parameters: re.Match[str]) -> Match:
        from argon2.exceptions import VerificationError, VerifyMismatchError

        current = self._is_current(parameters)
        try:
            _argon2_verify(secret, encoded, parameters[1])
        except VerifyMismatchError:
            return Match.MISMATCH if current else self._mismatch()
        except VerificationError:
            # What argon2 cannot decode was no work.
            return self._mismatch()
        return Match.MATCH if current else Match.MATCH_OUTDATED

    def _mismatch(self) -> Match:
        # The work of one current hash, for what cost nothing or something else so far (PWD-2).
        from argon2.exceptions import VerificationError

        with suppress(VerificationError):
            _argon2_verify(b"x", self.dummy, "id")
        return Match.MISMATCH

    def _is_current(self, parameters: re.Match[str]) -> bool:
        kind, *costs, salt, digest = parameters.groups()
        profile = self.profile
        return (
            kind == "id"
            and costs == [str(profile.memory), str(profile.time), str(profile.lanes)]
            and len(salt) * 3 // 4 >= _SALT_BYTES
            and len(digest) * 3 // 4 >= _DIGEST_BYTES
        )


def _check_profile(profile: object) -> None:
    if not isinstance(profile, Argon2Profile):
        given = profile.__name__ if isinstance(profile, type) else type(profile).__name__
        raise ConfigurationError(
            f"PasswordHasher takes an Argon2Profile, not {given}: leave it out for the default, "
            "or pass Argon2Profile(memory=..., time=..., lanes=...)"
        )


def _argon2_verify(secret: bytes, encoded: str, kind: str) -> None:
    """All of the work there is; returns only when the secret fits, else raises argon2's VerificationError."""
    from argon2.low_level import Type, verify_secret

    verify_secret(encoded.encode("ascii"), secret, {"id": Type.ID, "i": Type.I, "d": Type.D}[kind])


def _is_bounded(parameters: re.Match[str]) -> bool:
    memory, time, lanes = map(int, parameters.group(2, 3, 4))
    return memory <= _MAX_MEMORY_KIB and time <= _MAX_TIME and lanes <= _MAX_LANES


def _unpadded(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode("ascii")
