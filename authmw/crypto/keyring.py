"""Keys and the ring that holds them: the first signs, all verify."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from authmw.crypto.key import Key
from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["Key", "KeyRing", "KeySet"]


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The keys of a ring at one moment.

    Args:
        keys: in order; the first signs.
        by_kid: the same, by name.
        version: differs from that of every other moment of the same ring.
    """

    keys: tuple[Key, ...]
    by_kid: Mapping[str, Key]
    version: int

    @classmethod
    def of(cls, keys: tuple[Key, ...], version: int) -> KeySet:
        """`keys`, checked against each other.

        Raises:
            ConfigurationError: there are none, two have one name, or secrets stand among key pairs.
        """
        mistakes = [mistake for key in keys for mistake in _mistakes_in_key(key)]
        if mistakes:
            raise ConfigurationError(*mistakes)
        if not keys:
            mistakes.append("a ring needs a key: KeyRing.generate() makes one")
        kids = [key.kid for key in keys]
        for kid in dict.fromkeys(kid for kid in kids if kids.count(kid) > 1):
            mistakes.append(f"two keys have the kid {kid!r}: give each a name of its own")
        if len({key.symmetric for key in keys}) > 1:
            # With both in one ring, a published key is one slip away from being a secret (RFC 8725 §3.1).
            mistakes.append("secrets and key pairs are mixed: make a ring, and a verifier, for each")
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(keys, MappingProxyType(dict(zip(kids, keys, strict=True))), version)


class KeyRing:
    """Keys in order: the first signs, all verify, so that a key can be replaced while its tokens live on.

    `rotate` puts a fresh key first; `retire` takes one out, and with it everything it signed. Both may be called
    while other threads sign and verify.

    Args:
        keys: in order; the first signs.

    Raises:
        ConfigurationError: there are none, two have one kid, or secrets stand among key pairs.

    >>> ring = KeyRing.generate("EdDSA")
    >>> old = ring.signer.kid
    >>> ring.rotate().kid == ring.signer.kid != old
    True
    >>> ring.retire(old)
    >>> [key["crv"] for key in ring.jwks()["keys"]]
    ['Ed25519']
    """

    __slots__ = ("_lock", "current")

    current: KeySet
    """The keys at this moment. Read it once for one decision."""

    def __init__(self, *keys: Key) -> None:
        self.current = KeySet.of(keys, 0)
        self._lock = threading.Lock()

    @classmethod
    def generate(cls, alg: str = "ES256") -> KeyRing:
        """A ring of one fresh key.

        Raises:
            ConfigurationError: the algorithm is not an allowed one.
        """
        return cls(Key.generate(alg))

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any]) -> KeyRing:
        """The ring in a JWK Set (RFC 7517 §5), private, public or of secrets. Every key of it must be a good one.

        Raises:
            ConfigurationError: everything that is wrong with any of them.
        """
        if not isinstance(jwks.get("keys"), list):
            raise ConfigurationError("a JWK Set has a list of keys under 'keys'")
        members: list[object] = jwks["keys"]
        keys: list[Key] = []
        mistakes: list[str] = []
        for index, jwk in enumerate(members):
            try:
                keys.append(_key(jwk))
            except ConfigurationError as error:
                mistakes += [f"keys[{index}]: {mistake}" for mistake in error.mistakes]
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(*keys)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> KeyRing:
        """The ring that `save` wrote to the file at `path`.

        Raises:
            ConfigurationError: the file is missing or unreadable, or anything is wrong with a key in it.
        """
        from authmw.crypto.jose.strict_json import parse_object

        try:
            return cls.from_jwks(parse_object(Path(path).read_bytes()))
        except FileNotFoundError:
            raise ConfigurationError(f"{path} does not exist: `authmw jwk generate` makes it") from None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
        except ConfigurationError as error:
            raise ConfigurationError(*(f"{path}: {mistake}" for mistake in error.mistakes)) from None
        except ValueError as error:
            raise ConfigurationError(f"{path} is no JWK Set: {error}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Write the ring, its private keys included, to a file that only its owner may read. Replaces it at once.

        Raises:
            OSError: it cannot be written; what was there is untouched.
        """
        import json

        from authmw.crypto.jose.private_file import replace

        jwks = {"keys": [key.private_jwk() for key in self.current.keys]}
        replace(Path(path), json.dumps(jwks, indent=2).encode("ascii") + b"\n")

    @property
    def signer(self) -> Key:
        """The key that signs: the first."""
        return self.current.keys[0]

    @property
    def version(self) -> int:
        """Differs after each `rotate` and `retire`: what was verified under another version is not to be relied on."""
        return self.current.version

    def rotate(self, alg: str | None = None) -> Key:
        """Put a fresh key first and return it. The older ones go on verifying.

        Publish the new public key before tokens signed with it are met by whoever fetched the old JWKS.

        Args:
            alg: of the new key; that of the first one by default.

        Raises:
            ConfigurationError: the algorithm is not allowed, or is a secret's among key pairs (or the reverse).
        """
        with self._lock:
            key = Key.generate(alg or self.signer.alg)
            self._change((key, *self.current.keys))
        return key

    def retire(self, kid: str) -> None:
        """Take the key named `kid` out: what it signed is refused from now on.

        Raises:
            ConfigurationError: there is no such key, or no other one.
        """
        with self._lock:
            if kid not in self.current.by_kid:
                raise ConfigurationError(f"the ring has no key {kid!r}; it has {', '.join(self.current.by_kid)}")
            if len(self.current.keys) == 1:
                raise ConfigurationError(f"{kid!r} is the only key: rotate first, then retire it")
            self._change(tuple(key for key in self.current.keys if key.kid != kid))

    def _change(self, keys: tuple[Key, ...]) -> None:
        self.current = KeySet.of(keys, self.current.version + 1)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set to publish: public members only. Secrets are left out, so a ring of secrets gives none."""
        members = (key.public_jwk() for key in self.current.keys)
        return {"keys": [jwk for jwk in members if jwk is not None]}

    def __repr__(self) -> str:
        return f"KeyRing{self.current.keys!r}"


def mistakes_in_ring(ring: object, taker: str) -> list[str]:
    """What is wrong with `ring`, given to `taker` for a `KeyRing`. It is not repeated: it may be a secret."""
    if isinstance(ring, KeyRing):
        return []
    if isinstance(ring, Key):
        return [f"{taker} needs a ring of keys, not one key: pass KeyRing(key)"]
    if isinstance(ring, str | bytes):
        return [f"{taker} needs a KeyRing, not {type(ring).__name__}: pass KeyRing(Key.from_secret(...))"]
    given = ring.__name__ if isinstance(ring, type) else type(ring).__name__
    return [f"{taker} needs a KeyRing, not {given}: pass KeyRing(...), KeyRing.load(...) or KeyRing.from_jwks(...)"]


def _mistakes_in_key(key: object) -> list[str]:
    if isinstance(key, Key):
        return []
    if isinstance(key, str | bytes):
        return ["a KeyRing holds keys, not text: write KeyRing(Key.from_secret(...)), or Key.from_pem(...) for PEM"]
    return [f"a KeyRing holds keys, not {type(key).__name__}: write KeyRing(Key.generate()), or KeyRing.from_jwks(...)"]


def _key(jwk: object) -> Key:
    if not isinstance(jwk, Mapping):
        raise ConfigurationError("not a JSON object")
    return Key.from_jwk(cast("Mapping[str, Any]", jwk))
