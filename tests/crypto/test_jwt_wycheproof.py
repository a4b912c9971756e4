"""Project Wycheproof's vectors for JWS and JWK, where they lie beside the checkout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from authmw.crypto.jws import JWSReader, VerifiedJWS
from authmw.crypto.keyring import KeyRing
from authmw.errors import ConfigurationError
from tests.support import ROOT

VECTORS = ROOT.parent / "shared" / "vectors" / "wycheproof"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors of Project Wycheproof are not there")

# Labels that are wrong upstream: 346 and 350 are PS384 tokens with a key for PS256, 347 and 351 are for an algorithm
# "ES521" that does not exist, 367 and 370 are the same text as the valid 357, and 372 and 373 hold a `?`.
OVERRULED = {346: False, 347: False, 350: False, 351: False, 367: True, 370: True, 372: False, 373: False}
# A JWS may sign nothing. A JWT is never empty, and an empty segment is refused before anything is decoded.
EMPTY = "emptyPayload"
# Several keys name no algorithm; they are used with that of their tokens.
DEFAULT_ALG = {"RSA": "RS256", "EC": "ES256", "oct": "HS256"}


@cache
def groups(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["testGroups"]
    return found


def keys_of(group: Mapping[str, Any]) -> KeyRing:
    jwk = group.get("public") or group["private"]
    members: list[dict[str, Any]] = jwk.get("keys", [jwk])
    return KeyRing.from_jwks({"keys": [{"alg": DEFAULT_ALG[one["kty"]], **one} for one in members]})


def is_valid(test: Mapping[str, Any]) -> bool:
    return bool(test["result"] == "valid" and test["comment"] != EMPTY)


def accepts(group: Mapping[str, Any], text: object) -> bool:
    try:
        ring = keys_of(group)
    except ConfigurationError:
        return False
    # JSON serialisations are given as objects; only the compact one is a bearer token.
    return isinstance(JWSReader(ring).read(text if isinstance(text, str) else json.dumps(text)), VerifiedJWS)


def wrongly_decided(name: str, overruled: Mapping[int, bool]) -> list[tuple[int, str, str]]:
    return [
        (test["tcId"], test["comment"], test["result"])
        for group in groups(name)
        for test in group["tests"]
        if accepts(group, test["jws"]) is not overruled.get(test["tcId"], is_valid(test))
    ]


def test_every_signature_vector_is_decided_as_labelled() -> None:
    assert sum(len(group["tests"]) for group in groups("json_web_signature_test.json")) == 401
    assert wrongly_decided("json_web_signature_test.json", OVERRULED) == []


def test_every_key_vector_is_decided_as_labelled() -> None:
    assert sum(len(group["tests"]) for group in groups("json_web_key_test.json")) == 26
    assert wrongly_decided("json_web_key_test.json", {}) == []


def test_both_verdicts_occur() -> None:
    decided = {
        accepts(group, test["jws"]) for group in groups("json_web_signature_test.json") for test in group["tests"]
    }
    assert decided == {True, False}
