"""Every line that the endpoints must hold has a test that bears its name: ``test_t9_…`` for T9."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.support import ROOT

MUST: Final[Mapping[str, str]] = {
    "g1": "forms are posted, and nothing is read from the query",
    "g2": "a parameter is there once",
    "g3": "an empty parameter is none, an unknown one is ignored",
    "g4": "another method is a 405 with Allow",
    "g5": "answers are JSON that nobody keeps",
    "g6": "errors have the characters they may have",
    "g7": "no bytes are a server error",
    "g8": "secrets are compared in constant time, cannot be guessed, and are kept as digests",
    "g9": "https, and URLs from the issuer only",
    "c1": "Basic is form-decoded",
    "c2": "one method for each request",
    "c3": "a failure is a 401 that challenges by Basic where that was tried",
    "c5": "the method that was registered",
    "c6": "private_key_jwt",
    "t1": "which grant types there are, and who may use them",
    "t2": "a success, with its scope where it differs",
    "t3": "codes that are good for nothing",
    "t4": "a code is consumed once",
    "t5": "a code that is used again",
    "t6": "verifiers of PKCE",
    "t7": "the redirect_uri of the code",
    "t8": "refreshing gets no more than was granted, and for the same client",
    "t9": "refresh tokens rotate, and a replay ends the family",
    "t12": "client credentials",
    "t13": "without the password grant",
    "t14": "refresh tokens only where they are allowed",
    "t15": "ID Tokens",
    "t16": "access tokens of RFC 9068",
    "t17": "DPoP at the token endpoint",
    "t18": "device codes",
    "t19": "token exchange",
    "r1": "who may revoke",
    "r2": "what is not there is revoked already",
    "r3": "tokens of others",
    "r4": "hints are hints",
    "r5": "what goes with what",
    "r6": "JWTs are revoked too; a store that is down",
    "i1": "who may introspect",
    "i2": "what is inactive",
    "i3": "what is told",
    "i5": "what was revoked is inactive, a JWT too",
    "s1": "challenges and statuses of an API",
    "s2": "JWTs as an API verifies them",
    "s3": "what is no access token",
    "s4": "DPoP at an API",
}
"""The lines of the level *must* about every endpoint (G), clients (C), the token endpoint (T), revocation (R),
introspection (I) and resource servers (S)."""

BEYOND_MUST: Final = ("g10", "g11", "c4", "t10", "t11", "i4", "u5")
"""Lines of a lower level, or about endpoints that are not here, that are held all the same."""

CODES: Final = "of the authorization code grant, which is not offered"
NOT_HERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("t3", "t4", "t5", "t6", "t7"), CODES),
    "t15": "of OpenID Connect, which is not offered",
    "t17": "DPoP: no token is bound to a key",
    "t18": "of the device grant, which is not offered",
    "t19": "of the token exchange grant, which is not offered",
}
"""The lines about what there is no code for, with the reason."""


def _named() -> frozenset[str]:
    folders = ("tests/oauth2", "tests/clients", "tests/fleet", "tests/schemes", "tests/verifiers")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("test_*.py")]
    names = re.findall(r"def test_((?:[a-z][0-9]+_)+)", "\n".join(path.read_text(encoding="utf-8") for path in paths))
    return frozenset(point for name in names for point in name.strip("_").split("_"))


NAMED: Final = _named()


@pytest.mark.parametrize("point", [point for point in (*MUST, *BEYOND_MUST) if point not in NOT_HERE])
def test_every_line_of_the_checklist_has_a_test_of_its_name(point: str) -> None:
    assert point in NAMED, MUST.get(point)


@pytest.mark.parametrize("point", NOT_HERE)
def test_a_line_about_what_is_not_offered_has_no_test_yet(point: str) -> None:
    assert point in MUST
    assert point not in NAMED, "it has one now: take it out of NOT_HERE"


def test_what_is_not_offered_is_refused_by_its_name() -> None:
    from tests.oauth2.asking import Bench, basic

    bench = Bench()
    header = basic("shop", bench.client(grant_types=["password", "refresh_token", "client_credentials"]))
    for grant_type in (
        "authorization_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ):
        answer = bench.post({"grant_type": grant_type, "code": "x", "device_code": "x"}, header)
        assert (answer.status, answer.error) == (400, "unsupported_grant_type")
