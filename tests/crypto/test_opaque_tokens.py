"""The text of API keys and opaque tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import ConfigurationError
from authmw.crypto.opaque_tokens import (
    CHECKSUM_LENGTH,
    RANDOM_LENGTH,
    has_checksum,
    new_api_key,
    new_id,
    new_token,
    token_digest,
)
from authmw.http.grammar import is_token68


def test_key_1_a_key_has_at_least_160_random_bits() -> None:
    assert 62**RANDOM_LENGTH >= 2**160
    assert len({new_api_key() for _ in range(1000)}) == 1000


def test_key_1_every_random_bit_matters() -> None:
    made: set[str] = set()
    size = 0

    def with_bit(bit: int) -> str:
        def entropy(length: int) -> bytes:
            nonlocal size
            size = length
            return (1 << bit).to_bytes(length)

        return new_api_key(entropy=entropy)

    for bit in range(178):
        made.add(with_bit(bit))
    assert len(made) == 178
    assert size * 8 >= 178 + 64, "so that the remainder is as good as even"


def test_key_1_the_checksum_covers_the_prefix_and_every_character() -> None:
    key = new_api_key()
    for place in range(len(key)):
        changed = key[:place] + ("x" if key[place] != "x" else "y") + key[place + 1 :]
        assert not has_checksum(changed, "ak"), place


def test_key_1_the_checksum_is_crc_32_in_hex() -> None:
    key = new_api_key()
    polynomial, register = 0xEDB88320, 0xFFFFFFFF
    for octet in key[:-CHECKSUM_LENGTH].encode():
        register ^= octet
        for _ in range(8):
            register = (register >> 1) ^ (polynomial if register & 1 else 0)
    assert key[-CHECKSUM_LENGTH:] == f"{register ^ 0xFFFFFFFF:08x}"


@pytest.mark.parametrize("make", [new_api_key, new_token])
def test_a_key_travels_as_a_bearer_token_and_never_looks_like_a_jwt(make: Callable[[], str]) -> None:
    text = make()
    assert is_token68(text)
    assert "." not in text
    assert re.fullmatch(r"\w+", text), "a double click selects all of it"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("ak", id="prefix"),
        pytest.param("ak_", id="prefix and underscore"),
        pytest.param("ak_" + "0" * 38, id="wrong checksum"),
        pytest.param("ak_" + "\u0663" * 38, id="digits that are not ASCII"),
        pytest.param("ak\u00e9" + "0" * 38, id="not ASCII"),
        pytest.param("ak_" + "0" * 37, id="short"),
        pytest.param("a" * 100_000, id="long"),
    ],
)
def test_key_3_what_is_no_key_has_no_checksum(text: str) -> None:
    assert not has_checksum(text, "ak")


def test_a_key_is_none_of_another_prefix() -> None:
    key = new_api_key("ak")
    assert has_checksum(key, "ak")
    assert not has_checksum(key, "at")
    assert not has_checksum(key, "a")
    assert not has_checksum(key + "0", "ak")
    assert not has_checksum(key + "\n", "ak")
    assert not has_checksum(" " + key, "ak")


@given(st.text(max_size=60), st.sampled_from(["ak", "at", "a"]))
def test_any_text_is_looked_at_without_an_exception(text: str, prefix: str) -> None:
    assert has_checksum(text, prefix) in (True, False)


@pytest.mark.parametrize("prefix", ["", "AK", "a_k", "1a", "a.b", "a b", "\u00e9", "a" * 17])
def test_a_prefix_that_could_be_mistaken_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        new_api_key(prefix)


def test_tok_1_the_digest_is_sha_256_of_the_whole_text() -> None:
    key = new_api_key()
    assert token_digest(key) == hashlib.sha256(key.encode()).hexdigest()


def test_an_id_is_short_and_named_after_its_kind() -> None:
    assert re.fullmatch(r"key_[0-9A-Za-z]{12}", new_id("key"))
    assert new_id("key") != new_id("key")
