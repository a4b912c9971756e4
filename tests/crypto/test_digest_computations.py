"""The computations of Digest against the examples of RFC 7616, and its nonces."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.digest_nonces import DigestNonces
from authmw.crypto.http_digest import DigestAlgorithm, ha1, ha2, hash_of, response, session_ha1, userhash
from authmw.errors import ConfigurationError
from tests.support import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/digest/rfc7616.json").read_text())["vectors"]
SECRET = 32 * b"s"


def respond(vector: dict[str, Any]) -> str:
    algorithm = cast("DigestAlgorithm", vector["algorithm"])
    h = hash_of(algorithm)
    return response(
        h,
        ha1=ha1(username=vector["username"], realm=vector["realm"], password=vector["password"], algorithm=algorithm),
        nonce=vector["nonce"],
        nc=vector["nc"],
        cnonce=vector["cnonce"],
        qop=vector["qop"],
        ha2=ha2(h, method=vector["method"], uri=vector["uri"]),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_dig_6_the_examples_of_rfc_7616_come_out(vector: dict[str, Any]) -> None:
    assert respond(vector) == vector["response"]
    if vector["userhash"] is not None:
        algorithm = cast("DigestAlgorithm", vector["algorithm"])
        assert userhash(username=vector["username"], realm=vector["realm"], algorithm=algorithm) == vector["userhash"]


def test_dig_6_sha_512_256_is_not_sha_512_cut_short() -> None:
    assert hash_of("SHA-512-256")(b"abc") == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
    assert hash_of("SHA-512-256")(b"abc") != hashlib.sha512(b"abc").hexdigest()[:64]


def test_auth_int_covers_the_body_even_an_empty_one() -> None:
    h = hash_of("SHA-256")
    empty = h(b"")
    assert ha2(h, method="PUT", uri="/a", body=b"") == h(f"PUT:/a:{empty}".encode())
    assert ha2(h, method="PUT", uri="/a") == h(b"PUT:/a")


def test_a_session_hashes_nonce_and_cnonce_in() -> None:
    h = hash_of("MD5")
    assert session_ha1(h, "0a", nonce="n", cnonce="c") == h(b"0a:n:c")


def test_an_unknown_algorithm_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'SHA-1' is no Digest algorithm"):
        ha1(username="a", realm="b", password="c", algorithm=cast("DigestAlgorithm", "SHA-1"))


def test_dig_2_a_nonce_holds_time_and_128_random_bits_and_a_mac_of_128_bits() -> None:
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return bytes(size)

    nonces = DigestNonces(secret=SECRET, clock=lambda: 1000.9, random=random)
    nonce = nonces.issue("orders")
    assert drawn == [16]
    assert len(nonce) == 10 + 32 + 32
    assert (nonce[:10], nonces.issued_at(nonce, "orders")) == ("00000003e8", 1000)


def test_dig_2_two_nonces_of_one_second_differ() -> None:
    nonces = DigestNonces(clock=lambda: 1000.0)
    assert nonces.issue("orders") != nonces.issue("orders")


def test_dig_2_a_nonce_with_any_digit_changed_is_not_ours() -> None:
    nonces = DigestNonces(secret=SECRET)
    nonce = nonces.issue("orders")
    assert len(nonce) == 74
    for position, digit in enumerate(nonce):
        changed = nonce[:position] + ("0" if digit != "0" else "1") + nonce[position + 1 :]
        assert nonces.issued_at(changed, "orders") is None, position


def test_dig_2_a_nonce_has_one_spelling() -> None:
    nonces = DigestNonces(secret=SECRET, random=lambda size: size * b"\xab")
    nonce = nonces.issue("orders")
    assert nonces.issued_at(nonce, "orders") is not None
    for other in (nonce.upper(), f" {nonce}", f"{nonce}\n", nonce + "00", nonce[:-2]):
        assert nonces.issued_at(other, "orders") is None


def test_dig_2_realms_secrets_and_purposes_are_kept_apart() -> None:
    nonces = DigestNonces(secret=SECRET)
    nonce = nonces.issue("orders")
    assert nonces.issued_at(nonce, "other") is None
    assert DigestNonces(secret=32 * b"t").issued_at(nonce, "orders") is None
    assert DigestNonces(secret=SECRET).issued_at(nonce, "orders") is not None
    assert nonces.opaque("orders") == DigestNonces(secret=SECRET).opaque("orders")
    assert len({nonces.opaque("orders"), nonces.opaque("other"), DigestNonces().opaque("orders")}) == 3


@given(st.text(max_size=100))
def test_any_text_as_a_nonce_is_answered(text: str) -> None:
    assert DigestNonces(secret=SECRET).issued_at(text, "orders") is None


def test_a_secret_longer_than_a_blake2_key_is_used_in_full() -> None:
    nonce = DigestNonces(secret=100 * b"a").issue("orders")
    assert DigestNonces(secret=99 * b"a" + b"b").issued_at(nonce, "orders") is None


@pytest.mark.parametrize("character", ["\ud800", "é", "\u0661", "\U0001d7d8", "\0"], ids=ascii)
def test_dig_2_a_nonce_of_the_right_length_with_any_other_character_is_not_ours(character: str) -> None:
    nonces = DigestNonces(clock=lambda: 1000.0)
    nonce = nonces.issue("orders")
    for place in (0, len(nonce) // 2, len(nonce) - 1):
        assert nonces.issued_at(nonce[:place] + character + nonce[place + 1 :], "orders") is None


def test_a_child_of_a_fork_has_nonces_of_its_own_unless_the_secret_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    own, shared = DigestNonces(), DigestNonces(secret=bytes(range(32)))
    forks: list[str] = []
    monkeypatch.setattr("authmw.crypto.digest_nonces._forks", forks)
    issued: list[tuple[str, str]] = []
    for name in (None, "first", "second"):
        if name is not None:
            forks.append(name)
        issued.append((own.issue("orders"), shared.issue("orders")))
        mine = [own.issued_at(nonce, "orders") is not None for nonce, _ in issued]
        assert mine == [False] * (len(issued) - 1) + [True]
        assert all(shared.issued_at(nonce, "orders") is not None for _, nonce in issued)
        assert own.opaque("orders") == own.opaque("orders")
