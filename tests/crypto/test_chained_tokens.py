"""The text of refresh tokens."""

from __future__ import annotations

import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.chained_tokens import RefreshToken, new_salt
from authmw.crypto.opaque_tokens import checksum, token_digest
from tests.oauth2.asking import ISSUER


def test_a_token_has_the_agreed_shape() -> None:
    text = RefreshToken.new(ISSUER).text
    assert text.startswith("rt_")
    assert len(text) == 3 + 30 + 30 + 8
    assert set(text[3:]) <= set(string.ascii_letters + string.digits)


def test_a_successor_shares_the_familys_part_and_nothing_else() -> None:
    token = RefreshToken.new(ISSUER)
    successor = token.successor(new_salt())
    assert successor.text[:33] == token.text[:33]
    assert successor.text[33:63] != token.text[33:63]
    assert successor.key == token.key == token_digest(token.text[3:33])
    assert successor.digest == token_digest(successor.text) != token.digest


def test_g8_neither_the_salt_nor_the_familys_part_is_enough_to_derive_a_successor() -> None:
    token, salt = RefreshToken.new(ISSUER), new_salt()
    head = token.text[:33] + "0" * 30
    guess = RefreshToken.parse(head + checksum(head))
    assert guess is not None
    assert guess.successor(salt) != token.successor(salt)


def test_g8_two_families_never_meet() -> None:
    tokens = [RefreshToken.new(ISSUER) for _ in range(100)]
    assert len({token.key for token in tokens}) == len({token.digest for token in tokens}) == 100


def test_class_10_a_family_is_of_one_issuer_as_long_as_it_lives() -> None:
    token = RefreshToken.new(ISSUER)
    for each in (token, token.successor(new_salt())):
        assert each.is_of(ISSUER)
        assert not each.is_of(ISSUER + "/")


def test_class_10_making_a_token_look_like_anothers_makes_it_of_no_family() -> None:
    token, forged = (RefreshToken.new(issuer, entropy=bytes) for issuer in (ISSUER, "https://office.example"))
    assert token.family[:22] == forged.family[:22]
    assert token.key != forged.key


def test_the_randomness_is_what_was_given() -> None:
    zeros = RefreshToken.new(ISSUER, entropy=bytes)
    assert zeros.text.startswith("rt_" + "0" * 22)
    assert zeros.text[33:63] == "0" * 30
    assert new_salt(entropy=bytes) == "00" * 32


def test_tok_3_a_token_shows_nothing_of_itself() -> None:
    assert repr(RefreshToken.new(ISSUER)) == "RefreshToken()"


@pytest.mark.parametrize("text", ["{}0", "0{}", " {}", "{}\n"])
def test_a_token_that_was_mistyped_is_none(text: str) -> None:
    token = RefreshToken.new(ISSUER).text
    assert RefreshToken.parse(text.format(token)) is None
    assert RefreshToken.parse(token[:-1]) is None


@given(position=st.integers(3, 62), character=st.characters())
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    text = RefreshToken.new(ISSUER, entropy=os.urandom).text
    changed = text[:position] + character + text[position + 1 :]
    assert (RefreshToken.parse(changed) is None) == (changed != text)


@given(st.text())
def test_any_text_is_a_token_or_none(text: str) -> None:
    assert RefreshToken.parse(text) is None
    assert RefreshToken.parse("rt_" + text) is None
