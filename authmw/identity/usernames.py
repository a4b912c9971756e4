"""User names (RFC 8265): the one spelling by which stores find a user and throttles count attempts, and the rules for
new names.

A name that is stored already is found whatever it contains: the rules are for new names only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_USERNAME_BYTES: Final = 256
"""The longest user name, in bytes of UTF-8. A longer one is refused at the same cost as an unknown user."""


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def canonical_username(username: str) -> str | None:
    """`username` in Normalization Form C, otherwise unchanged: the name for the store. None if no store is asked.

    No store is asked for an empty name, a name of more than 256 bytes, and a name with control characters or lone
    surrogates.

    >>> canonical_username("Zoe\u0308") == "Zo\u00eb"
    True
    """
    if not username or len(username) > MAX_USERNAME_BYTES or _CONTROL.search(username) is not None:
        return None
    if username.isascii():
        return username
    try:
        name = unicodedata.normalize("NFC", username)
        return name if len(name.encode()) <= MAX_USERNAME_BYTES else None
    except UnicodeEncodeError:
        return None


# RFC 8264 §9: letters and digits (§9.1), and ASCII without the space (§9.11).
_LETTER_DIGITS: Final = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
_ALLOWED: Final = frozenset("\u06fd\u06fe\u0f0b\u3007")  # RFC 5892 §2.6, as the next
_NOT_ALLOWED: Final = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
# Old Hangul Jamo (RFC 8264 §9.9), and letters and marks that are invisible (§9.13).
_RANGES_NOT_ALLOWED: Final = (
    (0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB),
    (0x034F, 0x034F), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)  # fmt: skip
_JOINERS: Final = frozenset("\u200c\u200d")
_VIRAMA: Final = 9
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_BESIDE_THEM: Final = frozenset({"EN", "ES", "CS", "ET", "ON", "BN", "NSM"})


def mistake_in_new_username(name: str) -> str:
    """Why the canonical `name` must not be given to a new user; empty if it may.

    The rules are those of the profile UsernameCasePreserved (RFC 8265 §3.4), so that no new name looks like another
    one because of spaces, invisible characters, wide letters or the direction of the text. Three things are simpler
    and stricter: wide letters are refused and not mapped, a joiner is allowed after a virama only, and the punctuation
    of RFC 5892 Appendix A is refused. Letters of different scripts that look alike are not compared: RFC 8265 does not
    compare them either.

    >>> mistake_in_new_username("alice"), mistake_in_new_username("J\u00f6rg M\u00fcller")
    ('', '')
    >>> mistake_in_new_username("alice\u200b")
    "'\\\\u200b' is no letter, digit or ASCII punctuation"
    """
    if name.isascii() and " " not in name:
        return ""
    for part in name.split(" "):
        if not part:
            return "a space stands at an end, or beside another space"
        for index, character in enumerate(part):
            if not _is_allowed(character, part[:index]):
                return f"{character!a} is no letter, digit or ASCII punctuation"
        if unicodedata.category(part[0]).startswith("M"):
            return f"it begins with the combining mark {part[0]!a}"
    if not _has_one_direction(name):
        return "it mixes text from right to left with other text, so that it may be displayed as another name"
    if re.search("[\u0660-\u0669]", name) and re.search("[\u06f0-\u06f9]", name):
        return "it mixes two kinds of Arabic digits"
    return ""


def _is_allowed(character: str, before: str) -> bool:
    if character.isascii() or character in _ALLOWED:
        return character.isprintable()
    if character in _JOINERS:
        return bool(before) and unicodedata.combining(before[-1]) == _VIRAMA
    point = ord(character)
    if character in _NOT_ALLOWED or any(first <= point <= last for first, last in _RANGES_NOT_ALLOWED):
        return False
    # RFC 8264 §9.17: a character that is only another form of one, as a wide letter or a ligature.
    is_form = unicodedata.normalize("NFKC", character) != character
    return not is_form and unicodedata.category(character) in _LETTER_DIGITS


def _has_one_direction(name: str) -> bool:
    """The Bidi Rule (RFC 5893 §2), for a name that has characters from right to left."""
    if _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, name)):
        return True
    for part in name.split(" "):
        directions = [unicodedata.bidirectional(character) for character in part]
        visible = [direction for direction in directions if direction != "NSM"]
        if (
            directions[0] not in ("R", "AL")
            or not set(directions) <= _RIGHT_TO_LEFT | _BESIDE_THEM
            or visible[-1] not in ("R", "AL", "EN", "AN")
            or {"EN", "AN"} <= set(directions)
        ):
            return False
    return True
