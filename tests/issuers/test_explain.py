"""What a token says, in plain words, and nothing that could be replayed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.keyring import Key
from authmw.issuers.diagnosis.explain import explain, unverified
from authmw.issuers.diagnosis.finding import Finding, difference, quoted
from authmw.stores import MemoryRevocations, RevocationFeed
from authmw.stores.records import Revocation
from tests.jwt_tokens import NOW, key_for, segment, signed, token, verdict, verifier


def found(text: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in explain(text, verifier())}


def test_a_good_token_passes_every_check() -> None:
    findings = explain(token(), verifier())
    assert [(finding.check, finding.ok) for finding in findings] == [
        ("header", None),
        ("claims", None),
        ("signature", True),
        ("type", True),
        ("issuer", True),
        ("audience", True),
        ("times", True),
        ("required claims", True),
        ("identifiers", True),
        ("scopes", True),
        ("verdict", True),
    ]
    words = {finding.check: finding.words for finding in findings}
    assert words["type"] == "holds"
    assert words["signature"] == "by the key 'HS256' (HS256)"
    assert words["scopes"] == "orders:read orders:write"
    assert found(token(scope=""))["scopes"].words == "none"


@pytest.mark.parametrize("claim", ["typ", "token_use"])
@pytest.mark.parametrize("said", [["id"], {"id": 1}, 7, None, ["Refresh"]])
def test_a_type_that_is_no_text_says_nothing(claim: str, said: object) -> None:
    claims: dict[str, Any] = {claim: said}
    assert found(token(**claims))["verdict"].words.startswith("accepted: ")


def test_what_was_only_read_is_called_not_verified() -> None:
    findings = explain(token())
    assert [(finding.check, finding.ok) for finding in findings] == [("header", None), ("claims", None)]
    assert all(finding.words.startswith("says, not verified: ") for finding in findings)
    assert "alg='HS256'" in findings[0].words
    assert "sub='alice'" in findings[1].words


@pytest.mark.parametrize("count, end", [(0, "]"), (8, "]"), (9, ", ...]")])
def test_the_members_of_a_list_are_told_and_of_a_long_one_the_first_ones(count: int, end: str) -> None:
    (_, claims) = explain(token(groups=[*range(count)]))
    assert f"groups=[{', '.join(map(str, range(min(count, 8))))}{end}" in claims.words


def test_a_verifier_that_asks_a_store_for_revocations_has_the_last_word() -> None:
    revocations = MemoryRevocations(clock=lambda: float(NOW))
    feed = RevocationFeed(revocations, clock=lambda: float(NOW))
    feed.close()  # so that each verdict is a question to the store
    assert explain(token(), verifier(revocations=feed))[-1].words.startswith("accepted: ")
    revocations.publish(Revocation.of_user("alice", NOW + 1.0))
    assert explain(token(), verifier(revocations=feed))[-1].words == "refused: authmw.token-revoked"


@pytest.mark.parametrize(
    "said, wanted, words",
    [
        ("https://a.example/R", "https://A.example/r", ", with other capital letters"),
        ("https://b.example/r/", "https://a.example/r", ", another host"),
        ("https://b.example/r", "https://a.example/r/", ", another host"),
        ("https://b.example/x", "https://a.example/r", ""),
        ("https://[", "https://a.example", ""),
    ],
)
def test_the_difference_of_two_names_is_told_if_it_is_one(said: str, wanted: str, words: str) -> None:
    assert difference(said, wanted) == words


@pytest.mark.parametrize("length, end", [(200, "e'"), (201, "...")])
def test_a_long_text_is_cut(length: int, end: str) -> None:
    assert quoted("e" * length).endswith(end)
    assert quoted(["e" * length]) == "a list"


@pytest.mark.parametrize(
    "text, check, words",
    [
        (token(exp=NOW - 3600), "times", "expired 3600 s ago: get a new token"),
        (token(iss="https://else.example"), "issuer", "character by character"),
        (token(aud="billing"), "audience", "aud is 'billing': ask for a token for this API"),
        (token(header={"typ": "JWT"}), "type", "JWTVerifier(types=...)"),
        (token(header={"kid": "old"}), "signature", "no key is named 'old': was the key rotated out"),
        (token(Key.from_secret("another secret of thirty-two bytes", kid="HS256")), "signature", "another key"),
        (token(scope=7), "scopes", "scope is 7"),
        (token(sub=""), "identifiers", "sub is missing"),
        ("opaque", "shape", "1 segment instead of 3"),
        ("a.b", "shape", "2 segments instead of 3"),
        ("a.b.c.d.e", "shape", "encrypted JWE"),
        ("é.b.c", "verdict", "refused"),
        ("é.b.c", "header", "cannot be read: not canonical base64url"),
        (f"{segment([])}.{segment(7)}.AA", "claims", "cannot be read: not a JSON object"),
        (
            signed({"alg": "HS256", "kid": "HS256"}, b"[]", key_for("HS256")),
            "verdict",
            "refused: authmw.token-malformed",
        ),
    ],
    ids=lambda value: value[:20],
)
def test_each_failure_is_named_with_what_to_do(text: str, check: str, words: str) -> None:
    finding = found(text)[check]
    assert finding.ok is False
    assert words in finding.words
    assert "None" not in finding.words


def test_every_failing_check_is_told_not_only_the_first() -> None:
    findings = found(token(exp=1, iss="else", aud="else"))
    assert [name for name, finding in findings.items() if finding.ok is False] == [
        "issuer",
        "audience",
        "times",
        "verdict",
    ]


def test_the_signature_is_never_repeated() -> None:
    for text in (token(), token(exp=1), token()[:-3] + "AAA"):
        assert text.rpartition(".")[2] not in repr(explain(text, verifier()))


def test_nothing_a_terminal_obeys_is_repeated() -> None:
    for finding in explain(token(sub="\x1b[2J", header={"\x1b[1m": "\x07"}, x=["\n"] * 20), verifier()):
        assert finding.words.isprintable()


def test_the_unverified_parts_are_given_only_when_both_can_be_read() -> None:
    header, claims = unverified(token()) or ({}, {})
    assert (header["alg"], claims["sub"]) == ("HS256", "alice")
    assert unverified("opaque") is None
    assert unverified(f"{segment({})}.{segment([])}.AA") is None
    assert unverified(f"{segment([])}.{segment({})}.AA") is None


@given(st.text(max_size=40), st.binary(max_size=20))
def test_any_text_is_explained_and_the_last_word_is_the_verdict(text: str, octets: bytes) -> None:
    for candidate in (text, f"{text}.{text}.{text}", f"{segment(octets)}.{segment(octets)}.{segment(octets)}"):
        findings = explain(candidate, verifier())
        assert findings[-1].check in {"shape", "verdict"}
        assert findings[-1].ok is (verdict(candidate) == "accepted")
