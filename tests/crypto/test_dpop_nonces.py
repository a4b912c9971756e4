"""Nonces of the server: known again by whoever shares the secret, and by nobody else (RFC 9449 §8, §9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import ConfigurationError
from authmw.identity.scopes import is_scope
from authmw.issuers import DPoPNonces

OLD, NEW = b"o" * 32, b"n" * 32


def at(time: float, *secrets: bytes) -> DPoPNonces:
    return DPoPNonces(secrets or (NEW,), clock=lambda: time)


def test_a_nonce_tells_when_it_was_issued() -> None:
    assert at(2000.9).issued_at(at(1000.9).issue()) == 1000


def test_workers_with_one_secret_know_each_others_nonces() -> None:
    assert DPoPNonces(NEW).issued_at(at(1000.0).issue()) == 1000
    assert DPoPNonces(OLD).issued_at(at(1000.0).issue()) is None


def test_a_secret_is_replaced_without_a_gap() -> None:
    both = at(1000.0, NEW, OLD)
    assert both.issued_at(at(1000.0, OLD).issue()) == 1000
    assert at(1000.0, NEW).issued_at(both.issue()) == 1000
    assert at(1000.0, OLD).issued_at(both.issue()) is None


def test_a_nonce_has_the_syntax_of_rfc_9449_8_1() -> None:
    assert is_scope(at(1000.0).issue())  # which is the same as that of a scope-token


def test_a_nonce_with_one_digit_changed_is_not_ours() -> None:
    nonces = at(1000.0)
    nonce = nonces.issue()
    assert len(nonce) == 42
    for position, digit in enumerate(nonce):
        changed = nonce[:position] + ("0" if digit != "0" else "1") + nonce[position + 1 :]
        assert nonces.issued_at(changed) is None, position


@given(st.text(max_size=50) | st.text(alphabet="0123456789abcdef", min_size=42, max_size=42))
def test_no_text_of_a_strangers_is_ours(text: str) -> None:
    assert at(1000.0).issued_at(text) is None


def test_text_of_the_length_of_a_nonce_that_is_no_ascii_is_not_ours() -> None:
    nonces = at(1000.0)
    nonce = nonces.issue()
    for text in ("é" * 42, "é" + nonce[1:], nonce[:-1] + "é", "\u0660" * 42):
        assert len(text) == 42
        assert nonces.issued_at(text) is None


def test_a_nonce_in_capitals_is_not_ours() -> None:
    assert at(1000.0).issued_at(at(1000.0).issue().upper()) is None


@pytest.mark.parametrize("secret", [b"", b"s" * 31, "s" * 40, (), [b"s" * 32, b"short"], [None]])
def test_a_secret_that_is_none_is_refused(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        DPoPNonces(secret)


@pytest.mark.parametrize("max_age", [0, 9, 3601])
def test_a_nonce_lives_neither_for_a_moment_nor_for_ever(max_age: int) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        DPoPNonces(NEW, max_age=max_age)


def test_tok_3_the_secret_is_not_shown() -> None:
    assert "nnnn" not in repr(DPoPNonces(NEW)) + str(vars(DPoPNonces(NEW)))
