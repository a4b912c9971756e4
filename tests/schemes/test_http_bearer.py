"""Bearer (RFC 6750): a b64token of bounded length, and its challenges."""

from __future__ import annotations

import pytest

from authmw import BearerToken, HTTPBearer, Reason, Rejected
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from tests.requests import wsgi_request

SCHEME = HTTPBearer()


def test_the_example_of_rfc_6750_2_1_is_read() -> None:
    assert SCHEME.extract(wsgi_request(authorization="Bearer mF_9.B5f-4.1JqM")) == BearerToken("mF_9.B5f-4.1JqM")


@pytest.mark.parametrize(
    "rejected, scopes, challenge",
    [
        (None, (), 'Bearer realm="example"'),
        # RFC 6750 §3, but for the full stop behind our sentence
        (
            Rejected(Reason.TOKEN_EXPIRED),
            (),
            'Bearer realm="example", error="invalid_token", error_description="The access token expired."',
        ),
        (
            Rejected(Reason.SCOPE_MISSING),
            ("a", "b"),
            'Bearer realm="example", error="insufficient_scope", scope="a b"',
        ),
        (None, ("a",), 'Bearer realm="example", scope="a"'),
        (Rejected(Reason.PASSWORD_WRONG), (), 'Bearer realm="example"'),
    ],
)
def test_hdr_6_the_challenges_of_rfc_6750_3(rejected: Rejected | None, scopes: tuple[str, ...], challenge: str) -> None:
    assert str(SCHEME.challenge("example", rejected=rejected, scopes=scopes)) == challenge


@pytest.mark.parametrize("value", ["", " ", "a b", 'a"', "a,b", "é", "a\x00", "=", "a=b", "a\n", "%61", "a\tb", "{}"])
def test_hdr_5_what_is_no_b64token_is_refused(value: str) -> None:
    read = SCHEME.read(value)
    assert isinstance(read, Rejected)
    assert read.reason is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "length, fits", [(MAX_CREDENTIAL_LENGTH, True), (MAX_CREDENTIAL_LENGTH + 1, False), (10**6, False)]
)
def test_hdr_4_a_token_over_8_kib_is_not_looked_at(length: int, fits: bool) -> None:
    assert isinstance(SCHEME.read("a" * length), BearerToken) is fits


def test_tok_3_a_token_is_not_shown() -> None:
    read = SCHEME.read("s3cret")
    assert isinstance(read, BearerToken)
    assert "s3cret" not in repr(read) + str(read)
