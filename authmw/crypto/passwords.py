"""Password hashing: argon2id with named profiles, and verification of older hashes, which are then replaced.

`prepared` defines which strings are passwords. Each verification does at least the work of one argon2 hash with the
current parameters, whatever the stored hash and the password are. So the time does not say whether a user exists, is
disabled or has a password (CVE-2024-39329, CVE-2025-22234).
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
"""The longest password, in bytes of UTF-8. Argon2 costs the same for any length, but parsing and older hashes do not.
A longer password is refused at the same cost as a wrong one."""

_SALT_BYTES: Final = 16  # RFC 9106 §3.1
_DIGEST_BYTES: Final = 32
# The category Cc of Unicode: C0, DEL and C1. RFC 8265 §4.1 does not allow control characters in passwords either.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ARGON2: Final = re.compile(legacy_hashes.ARGON2, re.ASCII)


class Match(Enum):
    """The result of the comparison of a password with a hash. Compare it with ``is``: as a truth value it raises."""

    MATCH = "match"
    MATCH_OUTDATED = "match, and the hash should be replaced by a new one"
    MISMATCH = "mismatch"

    def __bool__(self) -> NoReturn:
        raise TypeError("a Match is not a bool: compare it by `is`, as in `match is not Match.MISMATCH`")


@dataclass(frozen=True, slots=True)
class Argon2Profile:
    """The parameters of argon2id (RFC 9106 §3.1).

    Args:
        memory: memory in KiB.
        time: number of passes over the memory.
        lanes: degree of parallelism.

    Raises:
        ConfigurationError: a parameter is out of its range.
    """

    memory: int
    time: int
    lanes: int

    def __post_init__(self) -> None:
        # RFC 9106 §3.1: memory is at least 8 KiB for each lane.
        if self.time < 1 or self.lanes < 1 or self.memory < 8 * self.lanes:
            raise ConfigurationError("Argon2Profile needs time >= 1, lanes >= 1 and memory >= 8 * lanes (KiB)")
        if (
            self.time > legacy_hashes.MAX_ARGON2_TIME
            or self.lanes > legacy_hashes.MAX_ARGON2_LANES
            or self.memory > legacy_hashes.MAX_ARGON2_MEMORY_KIB
        ):
            raise ConfigurationError("Argon2Profile allows time <= 64, lanes <= 64 and memory <= 2 GiB")


RFC_9106_LOW_MEMORY: Final = Argon2Profile(memory=64 * 1024, time=3, lanes=4)
"""The default: the second recommendation of RFC 9106 §4. A hash takes about 150 ms on one core."""
OWASP_MINIMUM: Final = Argon2Profile(memory=19 * 1024, time=2, lanes=1)
"""The minimum of the OWASP Password Storage Cheat Sheet and ASVS 5.0. A hash takes about 18 ms."""
CHEAPEST: Final = Argon2Profile(memory=8, time=1, lanes=1)
"""Only for tests. It does not protect passwords when the hashes leak."""


def prepared(password: str) -> bytes | None:
    """The bytes that are hashed for `password`; None if it is not allowed as a password.

    From the OpaqueString profile (RFC 8265 §4.2) it applies Normalization Form C and UTF-8. Nothing else is mapped,
    nothing is trimmed, and case is kept. Not allowed are the empty string, control characters (Cc), lone surrogates,
    and more than 1,024 bytes, before or after normalisation.

    >>> prepared("pa\u0308ss") == "p\u00e4ss".encode()
    True
    >>> prepared("null\\0") is None
    True
    """
    # The characters are counted first, which limits the work of the normalisation.
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
    """Hashes passwords with argon2id, and verifies these and older hashes.

    Args:
        profile: the parameters for new hashes. A hash with other parameters still matches, as `Match.MATCH_OUTDATED`.
        random: returns as many random bytes as its argument says, for salts.

    Raises:
        ConfigurationError: `profile` is not an `Argon2Profile`.

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
        # Random bytes replace the output of argon2: to verify this costs as much as a real hash, to make it costs
        # nothing.
        self.dummy: Final = (
            f"$argon2id$v=19$m={profile.memory},t={profile.time},p={profile.lanes}"
            f"${_unpadded(random(_SALT_BYTES))}${_unpadded(random(_DIGEST_BYTES))}"
        )
        """A hash with the current parameters that matches no password: for a user that does not exist or has none."""

    def hash(self, password: str) -> str:
        """A new hash of `password`, in the PHC string format.

        Raises:
            ValueError: `prepared` does not allow `password`.
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
        """Whether `hash` is a hash of `password`. A hash in an unknown format matches nothing. Never raises.

        It costs at least the work of one hash with the current parameters. An outdated hash that does not match costs
        its own work in addition.
        """
        secret = prepared(password)
        if secret is None:
            return self._mismatch()
        parameters = _ARGON2.fullmatch(hash)
        if parameters is None:
            found = legacy_hashes.matches(password=password, encoded=hash)
            return Match.MATCH_OUTDATED if found else self._mismatch()
        if not legacy_hashes.is_affordable_argon2(parameters):
            return self._mismatch()
        return self._verify_argon2(secret, hash, parameters)

    @staticmethod
    def problem_with(hash: str) -> str:
        """Why `verify` cannot match `hash` with any password, in words for a log; empty if it can.

        >>> PasswordHasher(CHEAPEST).problem_with("md5$salt$0123456789abcdef")
        'the stored hash is in a format that is not known (md5)'
        """
        parameters = _ARGON2.fullmatch(hash)
        if parameters is None:
            return legacy_hashes.problem_with(hash)
        return (
            "" if legacy_hashes.is_affordable_argon2(parameters) else "the stored hash needs more work than is allowed"
        )

    def _verify_argon2(self, secret: bytes, encoded: str, parameters: re.Match[str]) -> Match:
        from argon2.exceptions import VerificationError, VerifyMismatchError

        current = self._is_current(parameters)
        try:
            _argon2_verify(secret, encoded, parameters[1])
        except VerifyMismatchError:
            return Match.MISMATCH if current else self._mismatch()
        except VerificationError:
            # Argon2 did no work, because it could not decode the hash.
            return self._mismatch()
        return Match.MATCH if current else Match.MATCH_OUTDATED

    def _mismatch(self) -> Match:
        # The work of one hash with the current parameters, because the check so far did less or other work. Without it,
        # the time would tell an unknown or disabled user from a wrong password (CVE-2025-22234).
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
    """Do all of the work of a verification. Returns if the secret matches, and raises VerificationError otherwise."""
    from argon2.low_level import Type, verify_secret

    verify_secret(encoded.encode("ascii"), secret, {"id": Type.ID, "i": Type.I, "d": Type.D}[kind])


def _unpadded(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode("ascii")
