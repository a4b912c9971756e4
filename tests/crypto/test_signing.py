"""Signing access tokens: what is signed is what a verifier accepts (RFC 9068)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authmw.crypto.claims import is_identifier
from authmw.crypto.jose import base64url
from authmw.crypto.keyring import Key, KeyRing
from authmw.crypto.signing import TokenIssuer, issue, random_id
from authmw.errors import ConfigurationError
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.verdict import Authenticated
from authmw.issuers.diagnosis.explain import unverified
from authmw.verifiers.jwt import JWTVerifier
from tests.jwt_tokens import ALL_ALGORITHMS, AUDIENCE, ISSUER, NOW, key_for, verdict, verifier
from tests.support import examples

ALICE = Principal("alice", scopes={"orders:write", "orders:read"}, client_id="web")


def issuer(*keys: Key, **options: Any) -> TokenIssuer:
    settings: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "clock": lambda: NOW + 0.9, **options}
    return TokenIssuer(KeyRing(*(keys or (key_for("HS256"),))), **settings)


def claims(text: str) -> dict[str, Any]:
    found = unverified(text)
    assert found is not None
    return found[1]


def mistakes(make: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value.mistakes


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_what_is_issued_is_accepted(alg: str) -> None:
    answer = verifier(key_for(alg)).verify(BearerToken(issuer(key_for(alg)).issue(ALICE)))
    assert isinstance(answer, Authenticated)
    assert (answer.principal.id, answer.principal.scopes) == (ALICE.id, ALICE.scopes)
    assert answer.principal.expires_at == NOW + 600


def test_a_token_says_what_rfc_9068_asks_for() -> None:
    text = issuer(new_id=lambda: "n").issue(ALICE)
    assert unverified(text) == (
        {"alg": "HS256", "kid": "HS256", "typ": "at+jwt"},
        {
            "iss": ISSUER,
            "sub": "alice",
            "aud": AUDIENCE,
            "exp": NOW + 600,
            "iat": NOW,
            "jti": "n",
            "client_id": "web",
            "scope": "orders:read orders:write",
        },
    )


def test_the_first_key_signs() -> None:
    ring = KeyRing(key_for("ES256"))
    signs = TokenIssuer(ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: NOW)
    verifies = JWTVerifier(ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: NOW)
    old = signs.issue("alice")
    new_key = ring.rotate()
    found = unverified(signs.issue("alice"))
    assert found is not None
    assert found[0]["kid"] == new_key.kid
    assert verdict(old, verifies) == "accepted"
    ring.retire("ES256")
    assert verdict(old, verifies) == "token-key"


def test_scopes_can_be_narrowed_or_left_out() -> None:
    assert claims(issuer().issue(ALICE, scopes=["orders:read"]))["scope"] == "orders:read"
    assert "scope" not in claims(issuer().issue(ALICE, scopes=()))
    assert "scope" not in claims(issuer().issue("alice"))


def test_more_can_be_said() -> None:
    said = claims(issuer(audience=["a", "b"]).issue("alice", lifetime=60, client_id="cli", claims={"tenant": "é"}))
    assert (said["exp"], said["client_id"], said["tenant"], said["aud"]) == (NOW + 60, "cli", "é", ["a", "b"])


def test_a_single_token_is_issued_by_a_function() -> None:
    ring = KeyRing(key_for("HS256"))
    text = issue("alice", keys=ring, issuer=ISSUER, audience=AUDIENCE, scopes=["a"], clock=lambda: NOW)
    assert verdict(text) == "accepted"


def test_a_jti_is_random() -> None:
    made = {random_id() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= 22


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: issuer(issuer=""), "issuer is empty"),
        (lambda: issuer(audience=""), "audience is empty"),
        (lambda: issuer(audience=[]), "audience is empty"),
        (lambda: issuer(lifetime=0), "lifetime is not positive"),
        (lambda: issuer(Key.from_jwk(key_for("ES256").public_jwk() or {})), "cannot sign"),
        (lambda: issuer().issue(""), "needs a subject"),
        (lambda: issuer().issue(ANONYMOUS), "needs a subject"),
        (lambda: issuer().issue("a\nb"), "cannot be a sub"),
        (lambda: issuer().issue("a" * 256), "cannot be a sub"),
        (lambda: issuer().issue("alice", client_id=""), "client_id is no identifier"),
        (lambda: issuer().issue("alice", client_id="alice"), "has the name of the client"),
        (lambda: issuer().issue(Principal("cron", kind="client"), client_id="web"), "client_id is not 'cron'"),
        (lambda: issuer().issue("a\ud800"), "cannot be a sub"),
        (lambda: issuer().issue("alice", lifetime=-1), "lifetime is not positive"),
        (lambda: issuer().issue("alice", scopes=["two words"]), "is not a scope"),
        (lambda: issuer().issue("alice", claims={"sub": "bob"}), "claims= contains 'sub'"),
        (lambda: issuer().issue("alice", claims={"x": float("nan")}), "not JSON that a verifier accepts"),
        (lambda: issuer().issue("alice", claims={"x": {1, 2}}), "not JSON that a verifier accepts"),
        (lambda: issuer().issue("alice", claims={"x": "\ud800"}), "half a surrogate pair"),
        (lambda: issuer().issue("alice", claims={"x": "a" * 9000}), "longer than 8192 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_that_nobody_would_accept_is_not_issued(make: Callable[[], object], said: str) -> None:
    assert said in mistakes(make)[0]


def test_all_mistakes_of_an_issuer_are_told_at_once() -> None:
    assert len(mistakes(lambda: issuer(issuer="", audience="", lifetime=-1))) == 3


@pytest.mark.parametrize("client_id", ["reporter", None])
def test_a_client_may_have_a_token_about_itself(client_id: str | None) -> None:
    client = Principal("reporter", kind="client", client_id=client_id)
    answer = verifier().verify(BearerToken(issuer().issue(client)))
    assert isinstance(answer, Authenticated)
    assert answer.principal.kind == "client"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.text(min_size=1, max_size=20).filter(is_identifier),
    st.text(min_size=1, max_size=20).filter(is_identifier),
    st.frozensets(st.sampled_from(["orders:read", "!", "a'b"])),
    st.sampled_from([600, 0.5, 1e9]),
    st.dictionaries(st.sampled_from(["sid", "a b", '"', "ü"]), st.text('ab"\\é', max_size=5) | st.integers(-9, 9)),
)
def test_what_is_written_is_the_json_of_what_was_said(
    subject: str, client_id: str, scopes: frozenset[str], lifetime: float, more: dict[str, Any]
) -> None:
    assume(subject != client_id)
    signs = issuer(issuer='https://id.example/"ü"', audience=["orders", "\\"], new_id=lambda: '"\\é')
    said = {
        "iss": 'https://id.example/"ü"',
        "sub": subject,
        "aud": ["orders", "\\"],
        "exp": int(NOW) + lifetime,
        "iat": int(NOW),
        "jti": '"\\é',
        "client_id": client_id,
        **({"scope": " ".join(sorted(scopes))} if scopes else {}),
        **more,
    }
    segment = signs.issue_granted(
        subject, "user", client_id=client_id, scopes=scopes, lifetime=lifetime, claims=more
    ).split(".")[1]
    payload = base64url.decode(segment.encode())
    assert payload == json.dumps(said, separators=(",", ":")).encode()


def test_a_set_of_scopes_is_checked_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="two words"):
            issuer().issue_granted("alice", "user", client_id="web", scopes=frozenset({"two words"}), lifetime=600)


@pytest.mark.parametrize("lifetime", [float("nan"), float("inf"), 0.0, -1])
def test_a_lifetime_that_is_no_time_is_refused(lifetime: float) -> None:
    with pytest.raises(ConfigurationError):
        issuer().issue("alice", lifetime=lifetime)
    with pytest.raises(ConfigurationError):
        issuer().issue_granted("alice", "user", client_id="web", scopes=frozenset(), lifetime=lifetime)


@settings(max_examples=examples(200))
@given(st.text(max_size=20), st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_whatever_is_issued_is_accepted(subject: str, more: dict[str, Any]) -> None:
    try:
        text = issuer().issue(subject, claims=more)
    except ConfigurationError:
        return
    answer = verifier().verify(BearerToken(text))
    assert isinstance(answer, Authenticated)
    assert answer.principal.id == subject
    assert json.loads(json.dumps(more)).items() <= answer.principal.claims.items()


@pytest.mark.parametrize(
    "after, iat",
    [(None, NOW), (NOW - 1.0, NOW), (NOW - 0.001, NOW), (NOW, NOW + 1), (NOW + 0.999, NOW + 1), (NOW + 1.0, NOW)],
)
def test_a_token_of_the_second_of_a_revocation_is_dated_after_it(after: float | None, iat: int) -> None:
    said = claims(issuer().issue("alice", client_id="web", after=after))
    assert (said["iat"], said["exp"]) == (iat, iat + 600)


def test_one_token_has_all_that_was_said_of_it() -> None:
    made = issue(
        "alice",
        keys=KeyRing(key_for("HS256")),
        issuer=ISSUER,
        audience=[AUDIENCE, "billing"],
        scopes=["b", "a"],
        lifetime=77,
        client_id="web",
        claims={"tenant": "t1"},
        clock=lambda: float(NOW),
    )
    said = claims(made)
    assert said.pop("jti")
    assert said == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": [AUDIENCE, "billing"],
        "exp": NOW + 77,
        "iat": NOW,
        "client_id": "web",
        "scope": "b a",
        "tenant": "t1",
    }


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"])
def test_claims_of_ones_own_replace_none_that_is_written_here(name: str) -> None:
    value: Any = claims(issuer().issue("alice", scopes=["orders:read"], client_id="web")).get(name, 1)
    for added in (value, "another", None):
        (mistake,) = mistakes(partial(issuer().issue, "alice", claims={"tenant": "t1", name: added}))
        assert f"claims= contains '{name}'" in mistake
