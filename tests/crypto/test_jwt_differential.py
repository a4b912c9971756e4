"""Whatever PyJWT refuses, we refuse: our parser stands beside its own over mutated tokens."""

from __future__ import annotations

import json
import random
import time
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw.crypto.keyring import Key
from tests.jwt_tokens import AUDIENCE, ISSUER, good_claims, key_for, segment, signed, verdict, verifier
from tests.support import examples

ALGORITHMS = ["HS256", "ES256", "EdDSA", "RS256"]
LENIENT: tuple[str | None, ...] = ("at+jwt", "jwt", "", None)


def pyjwt_accepts(text: str, key: Key) -> bool:
    public = key._public  # pyright: ignore[reportPrivateUsage] - both verify with the very same key
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            jwt.decode(
                text,
                public,
                algorithms=[key.alg],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=30,
                options={"require": ["exp"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
            return False
    return True


def compare(text: str, key: Key) -> str:
    ours = verdict(text, verifier(key, types=LENIENT, clock=time.time))
    assert ours != "accepted" or pyjwt_accepts(text, key), text
    return ours


# PyJWT has no clock but the real one, so these are good for long.
def lasting(**changes: Any) -> dict[str, Any]:
    return good_claims(**{"iat": 1_600_000_000, "exp": 4_000_000_000, **changes})


def good(key: Key) -> str:
    return signed({"alg": key.alg, "kid": key.kid, "typ": "at+jwt"}, lasting(), key)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_both_accept_a_good_token(alg: str) -> None:
    assert compare(good(key_for(alg)), key_for(alg)) == "accepted"


ALPHABET = "ABCgQw-_xyz019.=+/ \n!{}\0é"


@settings(max_examples=examples(300))
@given(st.sampled_from(ALGORITHMS), st.integers(0, 2**32), st.integers(1, 4))
def test_a_mutated_token_is_refused_at_least_where_pyjwt_refuses_it(alg: str, seed: int, changes: int) -> None:
    chance = random.Random(seed)
    characters = list(good(key_for(alg)))
    for _ in range(changes):
        place = chance.randrange(len(characters))
        match chance.randrange(4):
            case 0:
                characters[place] = chance.choice(ALPHABET)
            case 1:
                characters.insert(place, chance.choice(ALPHABET))
            case 2:
                del characters[place]
            case _:
                characters[place:place] = characters[place : place + chance.randrange(9)]
    compare("".join(characters), key_for(alg))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 5_000_000_000),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([AUDIENCE, ISSUER, "HS256", "none", "at+jwt", "JWT", [AUDIENCE], [AUDIENCE, 1], [], {}, "1e3"]),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=2),
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "x"]), VALUES, max_size=2
)
HEADER = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"]), VALUES, max_size=2)


@pytest.mark.slow
@settings(max_examples=examples(500))
@given(CLAIMS, HEADER)
def test_a_well_signed_token_is_refused_at_least_where_pyjwt_refuses_it(
    claims: dict[str, Any], header: dict[str, Any]
) -> None:
    key = key_for("HS256")
    compare(signed({"alg": "HS256", "kid": "HS256", **header}, lasting(**claims), key), key)


@settings(max_examples=examples(200))
@given(st.binary(max_size=20), st.integers(0, 400))
def test_a_payload_with_changed_octets_is_refused_at_least_where_pyjwt_refuses_it(octets: bytes, place: int) -> None:
    key = key_for("HS256")
    payload = json.dumps(lasting()).encode()
    changed = payload[:place] + octets + payload[place + len(octets) :]
    compare(signed({"alg": "HS256", "kid": "HS256"}, changed, key), key)


# What PyJWT accepts, or crashes over, and we refuse: the reasons for a parser of our own.
STRICTER: dict[str, tuple[dict[str, Any], bytes | dict[str, Any]]] = {
    "UTF-16": ({}, json.dumps(lasting()).encode("utf-16")),
    "a byte order mark": ({}, b"\xef\xbb\xbf" + json.dumps(lasting()).encode()),
    "a raw surrogate": ({}, json.dumps(lasting(x="X")).encode().replace(b"X", b"\xed\xa0\x80")),
    "a duplicate claim": ({}, json.dumps(lasting()).encode()[:-1] + b',"sub":"admin"}'),
    "NaN": ({}, lasting(x=float("nan"))),
    "exp as a string": ({}, lasting(exp="4000000000")),
    "nbf as a bool": ({}, lasting(nbf=False)),
    "no subject": ({}, lasting(sub=...)),
    "an empty subject": ({}, lasting(sub="")),
    "a control character": ({}, lasting(sub="a\nb")),
}


@pytest.mark.parametrize("name", STRICTER)
def test_we_are_stricter_than_pyjwt(name: str) -> None:
    header, payload = STRICTER[name]
    key = key_for("HS256")
    text = signed({"alg": "HS256", "kid": "HS256", **header}, payload, key)
    assert pyjwt_accepts(text, key)
    assert compare(text, key) in {"token-malformed", "token-claims"}


def test_we_are_stricter_than_pyjwt_with_padding() -> None:
    key = key_for("HS256")
    head, body, _ = good(key).split(".")
    padded = f"{head}{'=' * (-len(head) % 4)}.{body}{'=' * (-len(body) % 4)}"
    text = f"{padded}.{segment(key.sign(padded.encode()))}"
    assert "=" in padded
    assert compare(text, key) == "token-malformed"
