"""base64url: one spelling for each octet string."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.jose import base64url


@given(st.binary(max_size=200))
def test_what_was_encoded_is_decoded(octets: bytes) -> None:
    assert base64url.decode(base64url.encode(octets)) == octets


@given(st.binary(max_size=100))
def test_it_is_the_encoding_of_the_standard_library_without_padding(octets: bytes) -> None:
    assert base64url.encode(octets) == base64.urlsafe_b64encode(octets).rstrip(b"=")


@given(st.one_of(st.binary(max_size=12), st.text("AQgwx-_+/= \n\0é", max_size=12).map(str.encode)))
def test_class_13_only_the_canonical_spelling_is_decoded(text: bytes) -> None:
    octets = base64url.decode(text)
    assert octets is None or base64url.encode(octets) == text


@pytest.mark.parametrize(
    "text",
    [
        b"QQ==",
        b"QQ=",
        b"QR",
        b"QUJ",
        b"Q",
        b"QUJD=",
        b"QUJD\n",
        b" QUJD",
        b"QU JD",
        b"QU+D",
        b"QU/D",
        b"QU!D",
        b"QUJ\x00",
    ],
    ids=repr,
)
def test_jwt_2_a_second_spelling_is_refused(text: bytes) -> None:
    assert base64url.decode(text) is None


@pytest.mark.parametrize("text", [None, 7, "", "é", "QR", ["QQ"]], ids=repr)
def test_a_member_that_is_no_base64url_string_gives_none_or_nothing(text: object) -> None:
    assert not base64url.decode_member(text)
