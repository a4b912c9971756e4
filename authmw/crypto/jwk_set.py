"""JWK Set (RFC 7517 §5): the usable keys in it, and why each of the others is left out.

One odd key does not make the set invalid: issuers also publish keys for encryption, and keys of types and algorithms
that authmw does not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from authmw.crypto.jose.key_formats import PRIVATE_MEMBERS, without_nulls
from authmw.crypto.jose.strict_json import DOUBLED, holds_doubled
from authmw.crypto.key import Key
from authmw.errors import ConfigurationError

_NAMELESS_RSA: Final = (
    "this RSA key names no algorithm: add alg='RS256' (or PS256) to it, or give KeyRing.from_jwks(rsa_algorithm=)"
)


class UsableKeys(NamedTuple):
    """The keys of a JWK Set.

    Args:
        keys: the usable keys in the order of the set. No two of them have the same name and algorithm.
        left_out: why each of the others is not used, one sentence per key, for the log.
    """

    keys: tuple[Key, ...]
    left_out: tuple[str, ...]


def usable_keys(members: Sequence[object], *, rsa_algorithm: str | None = None, published: bool = False) -> UsableKeys:
    """The keys in the ``keys`` of a JWK Set. Keys for encryption are left out without a sentence.

    Args:
        members: the members of ``keys``.
        rsa_algorithm: the algorithm of RSA keys that do not name one.
        published: whether the set is public. Then private keys and secrets are left out (RFC 8725 §2.1).

    Raises:
        ConfigurationError: in a set that is not published, a private key or a secret cannot be used, or an RSA key does
            not name its algorithm. The message names all mistakes.
    """
    keys: list[Key] = []
    left_out: list[str] = []
    mistakes: list[str] = []
    for index, member in enumerate(members):
        if holds_doubled(member):
            # Of these, readers may see different keys, so nothing in it is looked at.
            left_out.append(f"keys[{index}]: {DOUBLED}")
            continue
        jwk = without_nulls(cast("Mapping[str, Any]", member)) if isinstance(member, Mapping) else None
        if jwk is not None and jwk.get("use") == "enc" and (published or not _signs(jwk)):
            continue
        try:
            keys.append(_key(jwk, rsa_algorithm, published))
        except _Mistake as error:
            mistakes += [f"keys[{index}]: {mistake}" for mistake in error.mistakes]
        except ConfigurationError as error:
            name = f" ({_shown(jwk['kid'])})" if jwk is not None and "kid" in jwk else ""
            left_out.append(f"keys[{index}]{name}: {'; '.join(error.mistakes)}")
    if mistakes:
        raise ConfigurationError(*mistakes)
    return _unambiguous(keys, left_out)


class _Mistake(ConfigurationError):
    """A mistake for which the whole set is refused."""


def _key(jwk: Mapping[str, Any] | None, rsa_algorithm: str | None, published: bool) -> Key:
    if jwk is None:
        raise ConfigurationError("not a JSON object")
    if _signs(jwk):
        if not published:
            try:
                return Key.from_jwk(jwk)
            except ConfigurationError as error:
                raise _Mistake(*error.mistakes) from None
        # Every reader of a published secret or private key can sign.
        what = "it is a secret" if jwk.get("kty") == "oct" else "its private half is published"
        raise ConfigurationError(f"{what}, and everybody who reads it can sign")
    if jwk.get("kty") == "RSA" and "alg" not in jwk:
        if rsa_algorithm is None:
            raise _Mistake(_NAMELESS_RSA)
        return Key.from_jwk(jwk, alg=rsa_algorithm)
    return Key.from_jwk(jwk)


def _signs(jwk: Mapping[str, Any]) -> bool:
    return not PRIVATE_MEMBERS.isdisjoint(jwk) or jwk.get("kty") == "oct"


def _unambiguous(keys: list[Key], left_out: list[str]) -> UsableKeys:
    """The keys, told apart by name and algorithm. Of two different public keys with both the same, neither is used:
    one may be forged. Of keys that sign, `KeySet.of` refuses two."""
    public = {str(key.public_jwk()): key for key in keys if not key.can_sign}  # a set may hold a key twice
    names = Counter((key.kid, key.alg) for key in public.values())
    left_out += [f"{n} keys have the kid {_shown(kid)} and the alg {alg}" for (kid, alg), n in names.items() if n > 1]
    used = {id(key) for key in public.values() if names[key.kid, key.alg] == 1}
    return UsableKeys(tuple(key for key in keys if key.can_sign or id(key) in used), tuple(left_out))


def _shown(kid: object) -> str:
    return ascii(kid)[:80] if isinstance(kid, str) else f"a {type(kid).__name__}"
