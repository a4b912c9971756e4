"""Password hasher for users who come from Flask-Security, which keys a password before it hashes it."""

from __future__ import annotations

import hmac
import os
import unicodedata
from base64 import b64encode
from collections.abc import Callable

from authmw.crypto.legacy_hashes import MAX_BCRYPT_BYTES
from authmw.crypto.passwords import RFC_9106_LOW_MEMORY, Argon2Profile, Match, PasswordHasher, prepared
from authmw.errors import ConfigurationError


class FlaskSecurityHasher(PasswordHasher):
    """A `PasswordHasher` that also verifies hashes of Flask-Security (Flask-Security-Too).

    Flask-Security hashes ``base64(HMAC-SHA-512(SECURITY_PASSWORD_SALT, password))`` in place of the password, after
    Normalization Form KD. Such a hash matches as `Match.MATCH_OUTDATED`, so the next login replaces it by one of the
    password itself. When no old hash is left, a `PasswordHasher` can take its place, and the salt is not needed.

    A wrong password costs twice the work of one hash, for every user and for nobody, since a hash does not say which
    of both it is of.

    Args:
        salt: ``SECURITY_PASSWORD_SALT`` of the old application: the key of the HMAC. Keep it as secret as it was.
        profile: the parameters for new hashes.
        random: returns as many random bytes as its argument says, for salts.

    Raises:
        ConfigurationError: `salt` is empty, or `profile` is not an `Argon2Profile`.

    >>> from authmw.stores import CHEAPEST
    >>> hasher = FlaskSecurityHasher("146585145368132386173505678016728509634", CHEAPEST)
    >>> old = "$argon2id$v=19$m=8,t=1,p=1$3FtLyRnjPKdUSmntfQ9hrA$nJhrxFZhacSpdL3T5QNFe8zMc+aOgFWyg2EBBncEuN0"
    >>> hasher.verify(password="battery staple", hash=old)
    <Match.MATCH_OUTDATED: 'match, and the hash should be replaced by a new one'>
    """

    def __init__(
        self,
        salt: str,
        profile: Argon2Profile = RFC_9106_LOW_MEMORY,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(profile, random=random)
        self._key = _key_of(salt)

    def verify(self, *, password: str, hash: str) -> Match:
        """Whether `hash` is a hash of `password`, made by authmw, by Flask-Security, or in another known format."""
        match = super().verify(password=password, hash=hash)
        if match is not Match.MISMATCH:
            return match
        # What cannot be a password is checked as the empty one, which costs the same and matches nothing.
        keyed = "" if prepared(password) is None else self._keyed(password, is_bcrypt=hash.startswith("$2"))
        again = super().verify(password=keyed, hash=hash)
        return Match.MISMATCH if again is Match.MISMATCH else Match.MATCH_OUTDATED

    def _keyed(self, password: str, *, is_bcrypt: bool) -> str:
        """What Flask-Security hashes in place of `password`; of it, bcrypt gets as much as it reads."""
        normal = unicodedata.normalize("NFKD", password).encode()
        keyed = b64encode(hmac.digest(self._key, normal, "sha512")).decode()
        return keyed[:MAX_BCRYPT_BYTES] if is_bcrypt else keyed


def _key_of(salt: object) -> bytes:
    """The key of the HMAC."""
    if not isinstance(salt, str) or not salt:
        raise ConfigurationError("FlaskSecurityHasher(salt) needs SECURITY_PASSWORD_SALT of the old application, a str")
    return salt.encode()
