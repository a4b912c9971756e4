"""Key ring: keys in order, of which the first signs and all verify."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jwk_set import UsableKeys, usable_keys
from authmw.crypto.key import Key
from authmw.crypto.private_file import create as create_file
from authmw.crypto.private_file import replace
from authmw.errors import ConfigurationError
from authmw.events.hub import hub

if TYPE_CHECKING:
    from os import PathLike

logger: Final = logging.getLogger("authmw.keys")

__all__ = ["Key", "KeyRing", "KeySet"]


class KeySet(NamedTuple):
    """The keys of a ring between two changes.

    Args:
        keys: the keys in order; the first signs.
        by_kid: the same keys by name. Keys of one name have different algorithms.
        version: increases with each change of the ring.
    """

    keys: tuple[Key, ...]
    by_kid: Mapping[str, tuple[Key, ...]]
    version: int

    @classmethod
    def of(cls, keys: tuple[Key, ...], version: int) -> KeySet:
        """`keys`, if they fit together.

        Raises:
            ConfigurationError: there is no key, two keys have the same name and algorithm, or secrets are mixed with
                key pairs.
        """
        mistakes = [mistake for key in keys for mistake in _mistakes_in_key(key)]
        if mistakes:
            raise ConfigurationError(*mistakes)
        if not keys:
            mistakes.append("a ring needs a key: KeyRing.generate() makes one")
        names = Counter((key.kid, key.alg) for key in keys)
        mistakes += [
            f"two keys for {alg} have the kid {kid!r}: give each key its own name"
            for (kid, alg), number in names.items()
            if number > 1
        ]
        if len({key.symmetric for key in keys}) > 1:
            # RFC 8725 §3.1: with both kinds in one ring, a mistake could use a published key as a secret.
            mistakes.append("secrets and key pairs are mixed: make one ring, and one verifier, for each kind")
        if mistakes:
            raise ConfigurationError(*mistakes)
        by_kid = {kid: tuple(key for key in keys if key.kid == kid) for kid in dict.fromkeys(key.kid for key in keys)}
        return cls(keys, MappingProxyType(by_kid), version)


class KeyRing:
    """Keys in order: the first signs, all verify. So a key can be replaced while its tokens are still accepted.

    `rotate` adds a new first key. `retire` removes a key, and the tokens that it signed are refused. Both may be called
    while other threads sign and verify.

    Args:
        keys: the keys in order; the first signs.

    Raises:
        ConfigurationError: there is no key, two keys have the same kid and algorithm, or secrets are mixed with key
            pairs.

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
    def from_jwks(cls, jwks: Mapping[str, Any], *, rsa_algorithm: str | None = None) -> KeyRing:
        """The ring in a JWK Set (RFC 7517 §5) of private keys, public keys or secrets.

        Private keys and secrets must all be valid. A public key that cannot be used is left out, with a warning in the
        log: issuers also publish keys for encryption, and keys of types and algorithms that authmw does not know.

        Args:
            jwks: the members of the set.
            rsa_algorithm: the algorithm of public RSA keys that do not name one, such as those of Microsoft Entra ID.

        Raises:
            ConfigurationError: a private key or a secret is wrong, an RSA key has no algorithm, or no key can be used.
                The message names all mistakes in all keys.
        """
        keys, left_out = keys_in(jwks, rsa_algorithm=rsa_algorithm)
        for why in left_out:
            logger.warning("a key of a JWK Set is not used: %s", why)
        return cls(*keys)

    @classmethod
    def load(cls, path: str | PathLike[str], *, create: bool = False) -> KeyRing:
        """The ring that `save` wrote to the file at `path`.

        Args:
            path: the file.
            create: make the file, with one new key for ES256, if it does not exist. Of several processes that start at
                the same time one makes it, and all use it. For one machine: each machine or container would make keys
                of its own, and refuse the tokens of the others.

        Raises:
            ConfigurationError: the file does not exist or cannot be read, or a key in it is wrong; or `create` is given
                and the environment says ``AUTHMW_ENV=production``.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     made = KeyRing.load(f"{folder}/keys.json", create=True)
        ...     KeyRing.load(f"{folder}/keys.json").signer.kid == made.signer.kid
        True
        """
        if create:
            _create(os.fspath(path))
        try:
            with open(os.fspath(path), "rb") as file:
                return cls.from_jwks(parse_object(file.read()))
        except FileNotFoundError:
            raise ConfigurationError(
                f"{path} does not exist: `authmw jwk generate` makes it, and on one machine "
                f'KeyRing.load("{path}", create=True) does'
            ) from None
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
        replace(os.fspath(path), _private_jwks(self))

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
        if hub.listening:
            _tell(added=(key.kid,))
        return key

    def retire(self, kid: str) -> None:
        """Remove the key with the name `kid`. The tokens that it signed are refused from now on.

        Raises:
            ConfigurationError: there is no such key, or it is the only one.
        """
        with self._lock:
            if kid not in self.current.by_kid:
                raise ConfigurationError(f"the ring has no key {kid!r}; it has {', '.join(self.current.by_kid)}")
            remaining = tuple(key for key in self.current.keys if key.kid != kid)
            if not remaining:
                raise ConfigurationError(f"{kid!r} is the only key: rotate first, then retire it")
            self._change(remaining)
        if hub.listening:
            _tell(removed=(kid,))

    def _change(self, keys: tuple[Key, ...]) -> None:
        self.current = KeySet.of(keys, self.current.version + 1)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set to publish, with public members only. Secrets are left out: a ring of secrets gives no keys."""
        members = (key.public_jwk() for key in self.current.keys)
        return {"keys": [jwk for jwk in members if jwk is not None]}

    def __repr__(self) -> str:
        return f"KeyRing{self.current.keys!r}"


ENVIRONMENT: Final = "AUTHMW_ENV"
"""The environment variable that says where the program runs: ``production`` or ``development``."""


def in_production() -> bool:
    """Whether the environment says ``AUTHMW_ENV=production``: nothing is then made or assumed in silence."""
    return os.environ.get(ENVIRONMENT) == "production"


def _tell(*, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> None:
    from authmw.events.records import KeysRotated

    hub.emit(KeysRotated(added=added, removed=removed))


def _private_jwks(ring: KeyRing) -> bytes:
    return json.dumps({"keys": [key.private_jwk() for key in ring.current.keys]}, indent=2).encode("ascii") + b"\n"


def _create(path: str) -> None:
    """Make the file of a new ring, unless there is a file."""
    if in_production():
        raise ConfigurationError(
            f"KeyRing.load({path!r}, create=True) with {ENVIRONMENT}=production: each machine would make keys of "
            f"its own. Make the file once, by `authmw jwk generate --keys {path}`, give it to every machine, and leave "
            "out create=True"
        )
    if os.path.exists(path):
        return
    try:
        made = create_file(path, _private_jwks(KeyRing.generate()))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be made: {error.strerror}. Make it by `authmw jwk generate --keys {path}`"
        ) from None
    if made:
        place = os.path.realpath(path)
        logger.warning("made new signing keys in %s: keep this file, and give no one else access to it", place)


MAKE_RING: Final = 'KeyRing.load("keys.json", create=True)'
"""The line that gets a ring of key pairs on one machine."""


def mistakes_in_ring(ring: object, receiver: str, *, pairs: bool = False) -> list[str]:
    """The mistake if `ring` is not a `KeyRing`. It does not repeat the value, which may be a secret.

    Args:
        ring: the argument.
        receiver: the name of the class that has the argument, for the message.
        pairs: whether only key pairs would do, and no secret.
    """
    if isinstance(ring, KeyRing):
        return []
    if isinstance(ring, Key):
        return [f"{receiver} needs a ring of keys, not one key: pass KeyRing(key)"]
    kind = ring.__name__ if isinstance(ring, type) else type(ring).__name__
    if isinstance(ring, str | bytes | os.PathLike):
        line = MAKE_RING if pairs else _ring_of(cast("object", ring))
        return [f"{receiver} needs a KeyRing, not {kind}: pass {line}"]
    return [f"{receiver} needs a KeyRing, not {kind}: pass KeyRing(...), KeyRing.load(...) or KeyRing.from_jwks(...)"]


def _mistakes_in_key(key: object) -> list[str]:
    if isinstance(key, Key):
        return []
    if isinstance(key, str | bytes | os.PathLike):
        return [f"a KeyRing holds keys, not text: write {_ring_of(cast('object', key))}"]
    return [f"a KeyRing holds keys, not {type(key).__name__}: write KeyRing(Key.generate()), or KeyRing.from_jwks(...)"]


def _ring_of(text: object) -> str:
    """The line that makes a ring of `text`: of the name of a file, of PEM text, or of a secret."""
    start = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    if isinstance(text, os.PathLike) or start.endswith((".json", ".jwks")):
        return 'KeyRing.load("keys.json"), with the name of the file'
    if "-----BEGIN" in start:
        return "KeyRing(Key.from_pem(...))"
    return f"KeyRing(Key.from_secret(...)) of 32 bytes or more, or {MAKE_RING}"


def keys_in(jwks: Mapping[str, Any], *, rsa_algorithm: str | None = None) -> UsableKeys:
    """The keys in a JWK Set, as for `KeyRing.from_jwks`, and why others are left out.

    Raises:
        ConfigurationError: a private key or a secret is wrong, or no key can be used.
    """
    members: object = jwks.get("keys")
    if not isinstance(members, list):
        raise ConfigurationError("this is no JWK Set: it needs a list of keys under 'keys'")
    found = usable_keys(cast("list[object]", members), rsa_algorithm=rsa_algorithm)
    if members and not found.keys:
        raise ConfigurationError(*(found.left_out or ("it has keys for encryption only: give keys for signatures",)))
    return found
