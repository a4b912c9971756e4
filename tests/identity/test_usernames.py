"""New user names (RFC 8265 §3.4): none looks like another one. Names that are stored already are found."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

from __future__ import annotations

import unicodedata
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from authmw_sqlalchemy import SQLStores
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBasic, PasswordVerifier
from authmw.crypto.passwords import PasswordHasher
from authmw.engine.authentication import Authentication
from authmw.identity.usernames import canonical_username, mistake_in_new_username
from authmw.stores import MemoryStores, User
from tests.requests import wsgi_request

GOOD: Final = [
    "alice", "ALICE", "a", "o'brien", "alice@shop.example", "DOMAIN\\alice", "foo bar", "a b c", "Zoë", "Fußball", "π",
    "Σ", "ς", "Jörg Müller", "日本語", "ñandú", "שלום", "שלום1", "مرحبا", "क्\u200dष", "ไทย", "한국어", "〇",
    "يوسف محمد", "jörg.müller", "müller-lüdenscheidt_2", "\u05d0\u05b0", "א-ב", "א,ב", "א$ב", "א!ב",
]  # fmt: skip
# The last one of each is what it looks like.
BAD: Final[dict[str, tuple[str, ...]]] = {
    "spaces around": (" alice", "alice ", "alice  smith", " "),
    "other spaces": ("alice\u00a0smith", "alice\u2003smith", "alice\u3000", "\u2009alice", "alice\u1680b"),
    "invisible characters": (
        "alice\u200b", "al\u200dice", "al\u200cice", "alice\u2060", "\ufeffalice", "al\u00adice", "alice\u034f",
        "alice\u115f", "alice\u1160", "alice\u3164", "alice\uffa0", "alice\u17b4", "alice\u180e", "alice\ufe0f",
        "alice\U000e0101", "alice\U000e0061",
    ),
    "directions": (
        "\u202ealice", "alice\u202c", "\u200falice", "alice\u061c", "\u2067alice\u2069", "aliceשלום", "שלוםalice",
        "alice שלום", "1שלום", "שלום-", "\u06601\u05d0",
    ),
    "other forms": ("ａlice", "ﬁona", "alice²", "Ⅷ", "①", "ℂ", "ª", "ｶ", "ﷺ"),
    "symbols and punctuation": ("alice😀", "al…ice", "o’brien", "alice™", "♚", "a·b", "a—b", "\u2028"),
    "nothing visible": ("\u0301alice", "\u0301"),
    "old letters": ("\u1100\u1161", "\u302e", "\u0640a"),
    "not assigned": ("alice\u0378", "alice\ue000", "alice\U0010ffff"),
    "two kinds of digits": ("ا\u0660\u06f0",),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_letters_digits_and_ascii_punctuation_make_a_name(name: str) -> None:
    assert canonical_username(name) == name
    assert mistake_in_new_username(name) == ""


@pytest.mark.parametrize(
    "first, last, beside",
    [
        # RFC 8264 §9.9 and §9.13, and the nearest letters and marks around each range.
        *(("\u1100", "\u11ff", "\u10ff\u1200"), ("\ua960", "\ua97c", "\u1200\ua980"), ("\ud7b0", "\ud7fb", "\ud7a3")),
        *(("\u034f", "\u034f", "\u034e\u0350"), ("\u17b4", "\u17b5", "\u17b3\u17b6"), ("\u180b", "\u180d", "\u1810")),
        *(("\u3164", "\u3164", "\u312f"), ("\ufe00", "\ufe0f", "\ufe20"), ("\U000e0100", "\U000e01ef", "")),
    ],
    ids=ascii,
)
def test_letters_that_are_old_or_invisible_are_refused_and_those_beside_them_are_not(
    first: str, last: str, beside: str
) -> None:
    assert mistake_in_new_username(f"a{first}") != "" != mistake_in_new_username(f"a{last}")
    assert [mistake_in_new_username(f"a{each}") for each in beside] == [""] * len(beside)


@pytest.mark.parametrize("name", [name for names in BAD.values() for name in names], ids=ascii)
def test_a_name_that_looks_like_another_one_or_like_none_is_given_to_nobody(name: str) -> None:
    assert mistake_in_new_username(name) != "" or canonical_username(name) is None


@pytest.mark.parametrize("name", ["alice ", "alice\u200b", "ａlice", "\u202ealice"], ids=ascii)
def test_no_store_enrols_it(name: str, tmp_path: Path) -> None:
    with closing(SQLStores(f"sqlite:///{tmp_path}/app.db")) as kept:
        for users in (MemoryStores().users, kept.users):
            with pytest.raises(ConfigurationError, match="RFC 8265"):
                users.create(name, "correct horse battery staple")
            assert users.list() == ()


@pytest.mark.parametrize("name", ["alice ", "alice\u200b", "ａlice", "o’brien", "שלוםalice"], ids=ascii)
def test_who_has_such_a_name_already_still_logs_in(name: str) -> None:
    hasher = PasswordHasher()
    stored = User(name, name, hasher.hash("correct horse battery staple"))

    class Users:
        def find(self, username: str) -> User | None:
            return stored if username == stored.username else None

    header = "Basic " + b64encode(f"{name}:correct horse battery staple".encode()).decode()
    found = Auth(HTTPBasic(PasswordVerifier(Users(), hasher=hasher))).authenticate(wsgi_request(authorization=header))
    assert isinstance(found, Authentication)
    assert found.principal.id == name


@given(st.text(max_size=12))
def test_what_is_accepted_is_visible_and_keeps_its_form(text: str) -> None:
    name = canonical_username(text)
    if name is None or mistake_in_new_username(name):
        return
    assert name == name.strip()
    assert "  " not in name
    assert name.isprintable() or "\u200c" in name or "\u200d" in name
    assert all(unicodedata.normalize("NFKC", each) == each or each.isascii() for each in name)
    assert {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI", "WS", "B"}.isdisjoint(
        unicodedata.bidirectional(each) for each in name if each != " "
    )


@given(st.text(max_size=12), st.sampled_from("\u200b\u200e\u200f\u202a\u202e\u2060\u2066\ufeff\u00ad\u3164\ufe0f"))
def test_an_invisible_character_makes_no_second_name(name: str, invisible: str) -> None:
    for at in range(len(name) + 1):
        twin = canonical_username(name[:at] + invisible + name[at:])
        assert twin is None or mistake_in_new_username(twin) != ""


@pytest.mark.parametrize(
    "name",
    ["", "\0", "al\0ice", "alice\n", "\x1falice", "al\x7fice", "al\x85ice", "\x9f", "\ud800", "é\ud800", "é" * 129],
    ids=ascii,
)
def test_class_18_no_store_is_asked_for_what_is_no_name(name: str) -> None:
    assert canonical_username(name) is None


@pytest.mark.parametrize(
    "name, canonical",
    [("alice", "alice"), ("Zoe\u0308", "Zo\u00eb"), ("a b", "a b"), ("é" * 128, "é" * 128), ("a\xa0", "a\xa0")],
)
def test_a_name_is_kept_in_its_composed_form(name: str, canonical: str) -> None:
    assert canonical_username(name) == canonical


def test_a_name_that_is_too_long_only_before_it_is_composed_is_a_name() -> None:
    assert canonical_username("e\u0308" * 100) == "\u00eb" * 100


def test_two_kinds_of_arabic_digits_stand_in_no_name() -> None:
    one, other = "سلام\u0661", "سلام\u06f4"
    assert mistake_in_new_username(one) == mistake_in_new_username(f"{one} {one}") == ""
    assert mistake_in_new_username(other) == mistake_in_new_username(f"{other} {other}") == ""
    for mixed in (f"{one} {other}", f"{other} {one}"):
        assert mistake_in_new_username(mixed) == "it mixes two kinds of Arabic digits"
