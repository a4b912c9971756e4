"""One odd key does not refuse a JWK Set (RFC 7517 §5): at an issuer, in a ring from a document, and at a client."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from authmw import Auth, ConfigurationError, HTTPBearer, JWTVerifier, Key, KeyRing, Refusal
from authmw.crypto.jws import JWSReader, VerifiedJWS, write
from authmw.engine.authentication import Authentication
from authmw.issuers.keys.published_keys import PublishedKeys
from authmw.oauth2.client_assertion import _ring  # pyright: ignore[reportPrivateUsage]  # the keys it verifies with
from authmw.stores import MemoryStores
from authmw.testing import FakeIssuer
from tests.jwt_tokens import key_for
from tests.requests import wsgi_request

JWK = dict[str, Any]


def _public(key: Key) -> JWK:
    jwk = key.public_jwk()
    assert jwk is not None
    return dict(jwk)


SIGNER: Final = Key.generate("ES256", kid="one")
JWK_OF_SIGNER: Final = _public(SIGNER)
RSA: Final = _public(Key.generate("RS256", kid="rsa"))
OTHER: Final = _public(Key.generate("ES256", kid="other"))
OKP: Final = _public(Key.generate("EdDSA", kid="okp"))

ODD: Final[dict[str, object]] = {
    "for encryption": {**RSA, "use": "enc", "alg": "RSA-OAEP"},
    "for encryption, under the name of the signer": {**RSA, "kid": "one", "use": "enc", "alg": "RSA-OAEP"},
    "for encryption, by its operations": {**RSA, "key_ops": ["encrypt"]},
    "of a type that is not known": {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "pq"},
    "without a type": {"kid": "x", "alg": "ES256"},
    "on a curve that is not known": {"kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA", "kid": "k"},
    "on a curve for key agreement": {**OKP, "crv": "X25519"},
    "of an algorithm that is not known": {**OTHER, "alg": "ES256K"},
    "of the algorithm none": {**OTHER, "alg": "none"},
    "without a coordinate": {name: value for name, value in OTHER.items() if name != "y"},
    "with a coordinate that is null": {**OTHER, "y": None},
    "off its curve": {**OTHER, "y": JWK_OF_SIGNER["x"]},
    "too short": {**RSA, "n": RSA["n"][:200]},
    "with a kid that is a number": {**OTHER, "kid": 7},
    "with a kid that is a list": {**OTHER, "kid": ["one"]},
    "no object": "key",
    "null": None,
    "the same once more": JWK_OF_SIGNER,
    "of another algorithm under the same name": {**OKP, "kid": "one"},
    "two that share a name and an algorithm": [OTHER, {**_public(Key.generate("ES256")), "kid": "other"}],
}

Accepts = Callable[[list[object]], bool]


def _issuer(keys: list[object]) -> bool:
    fake = FakeIssuer("https://id.example")
    fake.jwks = {"keys": keys}
    auth = Auth(HTTPBearer(fake.verifier(audience="orders")))
    token = fake.token(audience="orders", key=SIGNER)
    found = auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))
    assert not isinstance(found, Refusal) or found.status == 401
    return isinstance(found, Authentication)


def _reads(ring: KeyRing) -> bool:
    return isinstance(JWSReader(ring).read(write(b"{}", SIGNER)), VerifiedJWS)


def _from_jwks(keys: list[object]) -> bool:
    return _reads(KeyRing.from_jwks({"keys": keys}))


def _client(keys: list[object]) -> bool:
    _, client = MemoryStores().clients.create("robot", auth_method="private_key_jwt", jwks={"keys": keys})
    ring = _ring(client)
    return isinstance(ring, KeyRing) and _reads(ring)


READERS: Final[Mapping[str, Accepts]] = {"an issuer": _issuer, "a ring": _from_jwks, "a client": _client}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
def test_an_odd_key_leaves_the_others_in_use(reader: Accepts, odd: object, place: int) -> None:
    keys: list[object] = [JWK_OF_SIGNER]
    keys[place:place] = odd if isinstance(odd, list) else [odd]
    assert reader(keys)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("member", ["use", "key_ops", "alg", "x5c", "x5t", "x5u", "d", "k"])
def test_a_member_that_is_null_is_a_member_that_is_not_there(reader: Accepts, member: str) -> None:
    assert reader([{**JWK_OF_SIGNER, member: None}])


def _text(*keys: str, more: str = "") -> bytes:
    return f'{{{more}"keys": [{", ".join(keys)}]}}'.encode()


SIGNER_TEXT: Final = json.dumps(JWK_OF_SIGNER)
OTHER_TEXT: Final = json.dumps(OTHER)
DOUBLED: Final = {
    "in its name": OTHER_TEXT[:-1] + ', "kid": "one"}',
    "in its name, to that of the signer": SIGNER_TEXT[:-1] + ', "kid": "two"}',
    "in its type": OTHER_TEXT[:-1] + ', "kty": "RSA"}',
    "with the same value": OTHER_TEXT[:-1] + ', "kty": "EC"}',
    "by an escape": OTHER_TEXT[:-1] + ', "\\u006bty": "EC"}',
    "inside of another member": OTHER_TEXT[:-1] + ', "ext": [{"a": 1, "a": 2}]}',
}


@pytest.mark.parametrize("doubled", DOUBLED.values(), ids=DOUBLED)
@pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
def test_a_published_key_with_a_name_that_stands_twice_is_left_out_and_the_others_are_used(
    doubled: str, place: int
) -> None:
    texts = [SIGNER_TEXT]
    texts.insert(place, doubled)
    published = PublishedKeys.of(_text(*texts))
    assert [key.public_jwk() for key in published.keys] == [JWK_OF_SIGNER]
    assert published.refused == (f"keys[{place}]: a name stands twice in a JSON object",)
    assert PublishedKeys.of(_text(doubled)).keys == ()


@pytest.mark.parametrize(
    "octets",
    [
        _text(SIGNER_TEXT, more='"keys": [], '),
        _text(SIGNER_TEXT, more='"a": 1, "a": 2, '),
        _text(SIGNER_TEXT, more='"ext": {"a": 1, "a": 2}, '),
        _text(SIGNER_TEXT, more='"ext": [[{"a": 1, "a": 1}]], '),
    ],
)
def test_a_set_with_a_name_that_stands_twice_outside_of_its_keys_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="a name stands twice"):
        PublishedKeys.of(octets)


def test_a_set_whose_keys_are_an_object_with_a_name_twice_is_none() -> None:
    with pytest.raises(ValueError, match="no list under 'keys'"):
        PublishedKeys.of(b'{"keys": {"a": 1, "a": 2}}')


def test_a_file_of_ones_own_keys_has_no_name_twice(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(_text(SIGNER_TEXT, DOUBLED["in its type"]))
    with pytest.raises(ConfigurationError):
        KeyRing.load(tmp_path / "keys.json")


def test_what_is_left_out_is_logged_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "authmw.keys"):
        KeyRing.from_jwks({"keys": [7, ODD["of a type that is not known"], JWK_OF_SIGNER, ODD["for encryption"]]})
    first, second = (record.getMessage() for record in caplog.records)
    assert "keys[0]: not a JSON object" in first
    assert "keys[1] ('pq'): kty is not one of" in second


def test_a_set_without_a_key_that_can_be_used_is_refused_with_the_reasons() -> None:
    with pytest.raises(ConfigurationError, match="kty is not one of"):
        KeyRing.from_jwks({"keys": [ODD["of a type that is not known"]]})
    with pytest.raises(ConfigurationError, match="for encryption only"):
        KeyRing.from_jwks({"keys": [ODD["for encryption"]]})


@pytest.mark.parametrize(
    "bad",
    [
        {**SIGNER.private_jwk(), "use": "enc"},
        {**SIGNER.private_jwk(), "crv": "P-384"},
        {"kty": "oct", "k": "AA", "alg": "HS256"},
        {**Key.generate("RS256").private_jwk(), "alg": None},
    ],
    ids=["for encryption", "another curve", "a short secret", "RSA without an algorithm"],
)
def test_a_key_that_signs_is_never_left_out(bad: JWK) -> None:
    with pytest.raises(ConfigurationError):
        KeyRing.from_jwks({"keys": [OTHER, bad]})


def test_two_keys_that_sign_under_one_name_are_refused() -> None:
    twins = [Key.generate("ES256", kid="twin").private_jwk() for _ in range(2)]
    with pytest.raises(ConfigurationError, match="two keys for ES256 have the kid 'twin'"):
        KeyRing.from_jwks({"keys": twins})


def test_an_rsa_key_without_an_algorithm_needs_one_named() -> None:
    nameless = {name: value for name, value in RSA.items() if name != "alg"}
    with pytest.raises(ConfigurationError, match="rsa_algorithm="):
        KeyRing.from_jwks({"keys": [JWK_OF_SIGNER, nameless]})
    ring = KeyRing.from_jwks({"keys": [JWK_OF_SIGNER, nameless]}, rsa_algorithm="RS256")
    assert [key.alg for key in ring.current.keys] == ["ES256", "RS256"]


def test_a_published_secret_and_a_published_private_key_are_used_by_nobody() -> None:
    secret = key_for("HS256").private_jwk()
    fake = FakeIssuer("https://id.example")
    fake.jwks = {"keys": [secret, SIGNER.private_jwk(), OTHER]}
    auth = Auth(HTTPBearer(fake.verifier(audience="orders")))
    for key in (key_for("HS256"), SIGNER):
        found = auth.authenticate(wsgi_request(authorization=f"Bearer {fake.token(audience='orders', key=key)}"))
        assert isinstance(found, Refusal)


# RFC 9864: the algorithm EdDSA with the curve Ed25519 has a name of its own.


@pytest.mark.parametrize("in_set", ["EdDSA", "Ed25519", None])
@pytest.mark.parametrize("in_token", ["EdDSA", "Ed25519"])
def test_ed25519_has_two_names(in_set: str | None, in_token: str) -> None:
    fake = FakeIssuer("https://id.example", alg="EdDSA")
    jwk: JWK = {**fake.ring.jwks()["keys"][0], "alg": in_set}
    fake.jwks = {"keys": [jwk]}
    token = fake.token(audience="orders", header={"alg": in_token})
    offline = JWTVerifier(KeyRing.from_jwks({"keys": [jwk]}), issuer="https://id.example", audience="orders")
    for verifier in (fake.verifier(audience="orders"), offline):
        found = Auth(HTTPBearer(verifier)).authenticate(wsgi_request(authorization=f"Bearer {token}"))
        assert isinstance(found, Authentication)


@pytest.mark.parametrize("alg", ["ed25519", "Ed448", "ESP256", "ES256"])
def test_no_other_name_is_one_of_ed25519(alg: str) -> None:
    fake = FakeIssuer("https://id.example", alg="EdDSA")
    token = fake.token(audience="orders", header={"alg": alg})
    found = Auth(HTTPBearer(fake.verifier(audience="orders"))).authenticate(
        wsgi_request(authorization=f"Bearer {token}")
    )
    assert isinstance(found, Refusal)
    assert found.reason.code == "authmw.token-algorithm"
