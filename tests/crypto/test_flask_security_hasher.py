"""Hashes of Flask-Security: verified with its salt, and replaced. Flask-Security 5.9.2 made them."""

from __future__ import annotations

from typing import Any, Final

import pytest
from argon2.low_level import Type, hash_secret

from authmw.crypto.passwords import CHEAPEST, Match, PasswordHasher
from authmw.errors import ConfigurationError
from authmw.stores import FlaskSecurityHasher

SALT: Final = "146585145368132386173505678016728509634"
HASHER: Final = FlaskSecurityHasher(SALT, CHEAPEST)
ASCII, UMLAUT = "battery staple", "pässword long"
KEYED: Final = {
    ("argon2", ASCII): "$argon2id$v=19$m=8,t=1,p=1$3FtLyRnjPKdUSmntfQ9hrA$nJhrxFZhacSpdL3T5QNFe8zMc+aOgFWyg2EBBncEuN0",
    ("argon2", UMLAUT): "$argon2id$v=19$m=8,t=1,p=1$txZiLGUsZYwRwniPcQ4BgA$iOLUwGsKvrogrQWMREqI9WZzXIzyShi8eedosZRXbe8",
    ("bcrypt", ASCII): "$2b$04$hOq3EE/1PR9GjGWqpm6bK.1yfoj4NGAXdkaF4CUVh6/.AwcLsvwkW",
    ("bcrypt", UMLAUT): "$2b$04$nVdBguzK0m1MRG8RvTyKSeInFS7A0AOrJGA6qK22f/BWQCQ9BcD3.",
    ("pbkdf2_sha512", ASCII): (
        "$pbkdf2-sha512$1000$/H/v/b83BoBwjjGmFEJIKQ"
        "$CZO6XpsBIphwDZrgsswMXiSyUFcKHcyzi5RBFeQDwIEICbBOd.1eTZTXrI6ZQBQ5gMsSvzC1VjoUArc6exWvSQ"
    ),
    ("sha512_crypt", UMLAUT): (
        "$6$rounds=1000$WO1qa2MQaxUtNgw2"
        "$JUGF85F80fpqq/2mx5FLvZ/pMSz8JvLagG.X2S3Ygza5hvbJzBj0z/QqkHUzrKgR31hCcIYk9.Eyz4Gz3psxZ."
    ),
}
SINGLE: Final = "pbkdf2_sha256$1000$MnB376wrcnvS$pj+G86SzjjH2ctY7g7/o5RmehIL30wtrx/YdXDP2az8="
"""Flask-Security keys no password for the hashes of Django."""


@pytest.mark.parametrize("scheme, password", KEYED)
def test_a_keyed_hash_matches_its_password_alone_and_is_to_be_replaced(scheme: str, password: str) -> None:
    stored = KEYED[scheme, password]
    assert HASHER.verify(password=password, hash=stored) is Match.MATCH_OUTDATED
    for wrong in (f"{password} ", password.upper(), "", "\0", "x" * 2000):
        assert HASHER.verify(password=wrong, hash=stored) is Match.MISMATCH
    assert FlaskSecurityHasher(SALT + "0", CHEAPEST).verify(password=password, hash=stored) is Match.MISMATCH
    assert PasswordHasher(CHEAPEST).verify(password=password, hash=stored) is Match.MISMATCH


def test_other_hashes_match_as_ever() -> None:
    assert HASHER.verify(password=ASCII, hash=SINGLE) is Match.MATCH_OUTDATED
    assert HASHER.verify(password=ASCII, hash=HASHER.hash(ASCII)) is Match.MATCH
    assert HASHER.verify(password=ASCII, hash=HASHER.dummy) is Match.MISMATCH
    assert HASHER.verify(password="\0", hash=HASHER.dummy) is Match.MISMATCH


def test_nobody_costs_what_a_wrong_password_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, *, password: str, hash: str) -> Match:
        work.append(hash)
        return verify(self, password=password, hash=hash)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for password, stored in ((ASCII + "x", KEYED["argon2", ASCII]), (ASCII, HASHER.dummy), ("\0", HASHER.dummy)):
        work.clear()
        HASHER.verify(password=password, hash=stored)
        assert work == [stored, stored]


@pytest.mark.parametrize("salt", ["", None, b"bytes"])
def test_a_salt_that_is_missing_is_told(salt: Any) -> None:
    with pytest.raises(ConfigurationError, match="SECURITY_PASSWORD_SALT"):
        FlaskSecurityHasher(salt)


def test_the_salt_is_not_shown() -> None:
    assert SALT not in repr(HASHER)


@pytest.mark.parametrize("text", ["XX", "a", "\0", "None"])
def test_what_cannot_be_a_password_matches_no_hash_of_any_text(text: str) -> None:
    stored = hash_secret(text.encode(), b"saltsalt", 1, 8, 1, 16, Type.ID).decode()
    for impossible in ("\0", "x" * 5000, "\ud800"):
        assert HASHER.verify(password=impossible, hash=stored) is Match.MISMATCH
