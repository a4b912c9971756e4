"""Key ring: keys in order, of which the first signs and all verify."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.key import Key
from authmw.crypto.private_file import replace
from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["Key", "KeyRing", "KeySet"]


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The keys of a ring between two changes.

    Args:
        keys: the keys in order; the first signs.
        by_kid: the same keys by name.
        version: increases with each change of the ring.
    """

    keys: tuple[Key, ...]
    by_kid: Mapping[str, Key]
    version: int

    @classmethod
    def of(cls, keys: tuple[Key, ...], version: int) -> KeySet:
        """`keys`, if they fit together.

        Raises:
            ConfigurationError: there is no key, two keys have the same name, or secrets are mixed with key pairs.
        """
        mistakes = [mistake for key in keys for mistake in _mistakes_in_key(key)]
        if mistakes:
            raise ConfigurationError(*mistakes)
        if not keys:
            mistakes.append("a ring needs a key: KeyRing.generate() makes one")
        kids = [key.kid for key in keys]
        for kid in dict.fromkeys(kid for kid in kids if kids.count(kid) > 1):
            mistakes.append(f"two keys have the kid {kid!r}: give each key its own name")
        if len({key.symmetric for key in keys}) > 1:
            # RFC 8725 §3.1: with both kinds in one ring, a mistake could use a published key as a secret.
            mistakes.append("secrets and key pairs are mixed: make one ring, and one verifier, for each kind")
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(keys, MappingProxyType(dict(zip(kids, keys, strict=True))), version)


class KeyRing:
    """Keys in order: the first signs, all verify. So a key can be replaced while its tokens are still accepted.

    `rotate` adds a new first key. `retire` removes a key, and the tokens that it signed are refused. Both may be called
    while other threads sign and verify.

    Args:
        keys: the keys in order; the first signs.

    Raises:
        ConfigurationError: there is no key, two keys have the same kid, or secrets are mixed with key pairs.

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
    """The keys now. Read this once for each decision, because another thread may change the ring."""

    def __init__(self, *keys: Key) -> None:
        self.current = KeySet.of(keys, 0)
        self._lock = threading.Lock()

    @classmethod
    def generate(cls, alg: str = "ES256") -> KeyRing:
        """A ring with one new key.

        Raises:
            ConfigurationError: `alg` is not an allowed algorithm.
        """
        return cls(Key.generate(alg))

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any]) -> KeyRing:
        """The ring in a JWK Set (RFC 7517 §5) of private keys, public keys or secrets. All its keys must be valid.

        Raises:
            ConfigurationError: a key is wrong. The message names all mistakes in all keys.
        """
        if not isinstance(jwks.get("keys"), list):
            raise ConfigurationError("this is no JWK Set: it needs a list of keys under 'keys'")
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
            ConfigurationError: the file does not exist or cannot be read, or a key in it is wrong.
        """
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
        """Write the ring, private keys included, to a file that only its owner may read. It replaces an existing file.

        A reader sees the old or the new content, never a part of it.

        Raises:
            OSError: the file cannot be written. An existing file is not changed.
        """
        jwks = {"keys": [key.private_jwk() for key in self.current.keys]}
        replace(Path(path), json.dumps(jwks, indent=2).encode("ascii") + b"\n")

    @property
    def signer(self) -> Key:
        """The key that signs: the first key."""
        return self.current.keys[0]

    @property
    def version(self) -> int:
        """The version, which changes with each `rotate` and `retire`. A result of another version has to be verified
        again."""
        return self.current.version

    def rotate(self, alg: str | None = None) -> Key:
        """Put a new key first and return it. The older keys still verify.

        Services that fetched the old JWKS do not know the new key until they fetch the JWKS again.

        Args:
            alg: the algorithm of the new key. The default is that of the first key.

        Raises:
            ConfigurationError: the algorithm is not allowed, or it would mix secrets with key pairs.
        """
        with self._lock:
            key = Key.generate(alg or self.signer.alg)
            self._change((key, *self.current.keys))
        return key

    def retire(self, kid: str) -> None:
        """Remove the key with the name `kid`. The tokens that it signed are refused from now on.

        Raises:
            ConfigurationError: there is no such key, or it is the only one.
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
        """The JWK Set to publish, with public members only. Secrets are left out: a ring of secrets gives no keys."""
        members = (key.public_jwk() for key in self.current.keys)
        return {"keys": [jwk for jwk in members if jwk is not None]}

    def __repr__(self) -> str:
        return f"KeyRing{self.current.keys!r}"


def mistakes_in_ring(ring: object, receiver: str) -> list[str]:
    """The mistake if `ring` is not a `KeyRing`. It does not repeat the value, which may be a secret.

    Args:
        ring: the argument.
        receiver: the name of the class that has the argument, for the message.
    """
    if isinstance(ring, KeyRing):
        return []
    if isinstance(ring, Key):
        return [f"{receiver} needs a ring of keys, not one key: pass KeyRing(key)"]
    if isinstance(ring, str | bytes):
        return [f"{receiver} needs a KeyRing, not {type(ring).__name__}: pass KeyRing(Key.from_secret(...))"]
    given = ring.__name__ if isinstance(ring, type) else type(ring).__name__
    return [f"{receiver} needs a KeyRing, not {given}: pass KeyRing(...), KeyRing.load(...) or KeyRing.from_jwks(...)"]


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
