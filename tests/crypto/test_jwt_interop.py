"""Tokens between authmw and joserfc, both ways, with every algorithm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from authmw.crypto.keyring import Key, KeyRing
from authmw.crypto.signing import TokenIssuer
from tests.jwt_tokens import ALL_ALGORITHMS, AUDIENCE, ISSUER, NOW, good_claims, key_for, verdict, verifier

# joserfc warns of the name EdDSA, which RFC 9864 deprecates and which everybody uses.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

TYPES: dict[str, Any] = {"oct": OctKey, "RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def theirs(key: Key) -> Any:
    members: dict[str, Any] = {**key.private_jwk()}
    return TYPES[members["kty"]].import_key(members)


def signed_by_joserfc(key: Key, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jws.serialize_compact(header, json.dumps(claims), theirs(key), algorithms=list(ALL_ALGORITHMS))


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_a_token_of_joserfc_is_accepted(alg: str) -> None:
    key = key_for(alg)
    text = signed_by_joserfc(key, {"alg": alg, "kid": alg, "typ": "at+jwt"}, good_claims())
    assert verdict(text, verifier(key)) == "accepted"


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_a_token_of_joserfc_without_kid_is_accepted(alg: str) -> None:
    key = key_for(alg)
    text = signed_by_joserfc(key, {"alg": alg, "typ": "at+jwt"}, good_claims())
    assert verdict(text, verifier(key)) == "accepted"


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_a_token_of_joserfc_signed_with_another_key_is_refused(alg: str) -> None:
    key = key_for(alg)
    if key.symmetric:
        other = Key.from_secret("o" * 64, alg=alg, kid=alg)
    elif alg.startswith(("RS", "PS")):
        other = Key.from_jwk(RSAKey.generate_key(2048).as_dict(private=True), alg=alg, kid=alg)
    else:
        other = Key.generate(alg, kid=alg)
    text = signed_by_joserfc(other, {"alg": alg, "kid": alg, "typ": "at+jwt"}, good_claims())
    assert verdict(text, verifier(key)) == "token-signature"


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_our_token_is_accepted_by_joserfc(alg: str) -> None:
    issuer = TokenIssuer(KeyRing(key_for(alg)), issuer=ISSUER, audience=AUDIENCE, clock=lambda: NOW)
    token = jwt.decode(issuer.issue("alice", scopes=["a", "b"]), theirs(key_for(alg)), algorithms=[alg])
    assert token.header == {"alg": alg, "kid": alg, "typ": "at+jwt"}
    assert token.claims["sub"] == "alice"
    assert token.claims["scope"] == "a b"


def test_joserfc_verifies_with_the_keys_that_are_published() -> None:
    ring = KeyRing(key_for("ES256"), key_for("EdDSA"), key_for("RS256"))
    published: Any = json.loads(json.dumps(ring.jwks()))
    text = TokenIssuer(ring, issuer=ISSUER, audience=AUDIENCE).issue("alice")
    assert jwt.decode(text, KeySet.import_key_set(published), algorithms=["ES256"]).claims["sub"] == "alice"


def test_a_key_set_of_joserfc_becomes_a_ring() -> None:
    made: Any = KeySet([ECKey.generate_key("P-384"), OKPKey.generate_key("Ed25519")]).as_dict(private=True)
    ring = KeyRing.from_jwks(made)
    assert [key.alg for key in ring.current.keys] == ["ES384", "EdDSA"]
    assert all(key.can_sign for key in ring.current.keys)


@pytest.mark.parametrize("kty", ["EC", "OKP", "RSA"])
def test_the_kid_is_the_thumbprint_that_joserfc_computes(kty: str) -> None:
    made = {"EC": ("P-256", "ES256"), "OKP": ("Ed25519", "EdDSA"), "RSA": (2048, "RS256")}[kty]
    key = TYPES[kty].generate_key(made[0])
    assert Key.from_jwk(key.as_dict(private=True), alg=made[1]).kid == key.thumbprint()
