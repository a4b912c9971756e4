"""Readings of a text: what it says once its escapes, entities, hexadecimal, base64, UTF-16 and line breaks are undone.

A program that prints a text may have escaped it twice: `KeyError` prints the `repr` of its argument, which may be JSON.
Each character of a reading knows which part of the text it stands for, so that the part can be cut out there.
"""

from __future__ import annotations

import re
import string
from base64 import b32decode, b64decode
from collections.abc import Callable, Iterator, Sequence
from html.entities import html5
from typing import Final, NamedTuple, TypeVar
from unicodedata import normalize

_ROUNDS: Final = 12
"""Escapes inside of each other that are undone. No program escapes a text as often."""
_LAST: Final = 0x10FFFF
_BETWEEN: Final = "\ufffe"
"""Stands between the decoded parts of a text. It is no character."""
_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"  # JSON: a character beyond U+FFFF
    r"|(?:[\\%]u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|&#[xX]([0-9a-fA-F]{1,6});)"
    r"|\\([0-7]{3})"
    r"|&#([0-9]{1,7});"
    r"|&([A-Za-z][A-Za-z0-9]{1,31};)"
    r"""|\\([\\'"/abfnrtv])"""
    r"""|(?:'(')|"("))"""  # SQL and CSV
    r"|([\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"  # octets of UTF-8
)
_OF_A_LETTER: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_HEX: Final = re.compile(r"[0-9a-fA-F]{8,}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{6,}")
_BASE32: Final = re.compile(r"[A-Z2-7]{7,}")
_NUMBERS: Final = re.compile(r"(?<![0-9])[0-9]{1,7}(?:[\W_]{1,4}[0-9]{1,7}){3,}(?![0-9])")
_NUMBER: Final = re.compile("[0-9]+")
_MARKS: Final = re.compile(r"(?<![0-9A-Za-z])0[xX](?=[0-9a-fA-F])|[\W_]+")
"""What stands between the parts of a list, of lines and of octets in hexadecimal."""
_PRINTABLE: Final = re.compile(r"[\t\n\r -~]*")
_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")
_OF_BASE64: Final = string.ascii_letters + string.digits + "+/_-"
_URLSAFE: Final = str.maketrans("-_", "+/")
_DIGITS: Final = 7
"""Digits of the number of a character, at most."""
_LONGEST_ESCAPE: Final = 34
"""Characters of the longest match of `_ESCAPE`: the name of an entity."""
_MOST_FOLDS: Final = 4096
_T = TypeVar("_T")


class Reading(NamedTuple):
    """A text that was read, with the part of the first text that each of its characters stands for."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def of(cls, text: str) -> Reading:
        """`text` as it is."""
        return cls(text, range(len(text)), range(1, len(text) + 1))

    def part(self, start: int, end: int) -> slice:
        """The part of the first text that the characters from `start` to `end` stand for."""
        return slice(self.starts[start], self.ends[end - 1])

    def replaced(self, found: Iterator[tuple[int, int, str]]) -> Reading:
        """This reading with other texts in place of some of its parts: the start, the end and the text of each."""
        parts, starts, ends = list[str](), list[int](), list[int]()
        done = 0
        for start, end, text in found:
            parts += (self.text[done:start], text)
            starts += self.starts[done:start]
            ends += self.ends[done:start]
            starts += [self.starts[start]] * len(text)
            ends += [self.ends[end - 1]] * len(text)
            done = end
        if not done:
            return self
        parts.append(self.text[done:])
        return Reading("".join(parts), [*starts, *self.starts[done:]], [*ends, *self.ends[done:]])

    def unfinished(self, depth: int, piece: int) -> int:
        """Where the part of the first text begins that may say something else with more text behind it.

        Whatever stands before it means the same, however the first text goes on: no escape is begun there, no run of
        base64 or hexadecimal digits, and no piece of a secret.

        Args:
            depth: how many rounds of escapes are undone in this reading.
            piece: the characters of the longest text that is looked for.
        """
        # The beginning of an escape, of this round and of each before it, is read as the characters that it is made of.
        end = max(0, len(self.text) - (piece - 1) - (depth + 1) * (_LONGEST_ESCAPE - 1))
        end = len(self.text[:end].rstrip(_OF_BASE64))
        return self.starts[end] if self.text else 0

    def unfinished_list(self, depth: int, piece: int) -> int:
        """As `unfinished`, for this reading as `squeezed` makes it, the octets and the numbers in it, and for UTF-32,
        which has four characters here for each one."""
        squeezed = self.squeezed()
        end = max(0, len(squeezed.text) - _DIGITS * (piece - 1) - (depth + 1) * (_LONGEST_ESCAPE - 1))
        end = len(squeezed.text[:end].rstrip(string.hexdigits))
        return squeezed.starts[end] if squeezed.text else len(self.text) and self.ends[-1]

    def squeezed(self) -> Reading:
        """The letters and digits of this reading: without line breaks, indentation and what is between the parts of a
        list, and without the prefix of hexadecimal digits."""
        kept = _between(_MARKS, self.text)
        parts, starts, ends = list[str](), list[int](), list[int]()
        for start, end in kept:
            parts.append(self.text[start:end])
            starts += self.starts[start:end]
            ends += self.ends[start:end]
        return Reading("".join(parts), starts, ends)

    def wide(self) -> Iterator[Reading]:
        """The text whose octets in UTF-16 are the characters of this reading; in UTF-32 too, if there may be some.

        A text whose octets in UTF-16 all are printable is not found like this. Only few letters of Chinese have those.
        """
        if is_printable(self.text):
            return
        octets = self.text.encode("latin-1", "replace")
        for offset in range(min(2, len(octets))):
            starts, ends = self.starts[offset::2], self.ends[offset + 1 :: 2]
            pairs = octets[offset : offset + 2 * len(ends)]
            for order in ("utf-16-le", "utf-16-be"):
                units = Reading(in_units(pairs.decode(order, "surrogatepass")), starts[: len(ends)], ends)
                yield units
                if "\0" in units.text:
                    for at in range(2):
                        last = units.ends[at + 1 :: 2]
                        yield Reading(units.text[at::2][: len(last)], units.starts[at::2][: len(last)], last)

    def folded(self) -> Reading:
        """This reading without differences of case and of Unicode's forms, and with a space for each plus sign."""
        if self.text.isascii():
            return self._replace(text=folded(self.text))
        parts = [_FOLDS[ord(each)] for each in self.text]
        text = "".join(parts)
        if len(text) == len(parts):  # a fold is empty for no character
            return self._replace(text=text)
        starts, ends = zip(self.starts, parts, strict=True), zip(self.ends, parts, strict=True)
        return Reading(text, [at for at, part in starts for _ in part], [at for at, part in ends for _ in part])


def unescaped(text: Reading) -> Iterator[Reading]:
    """`text`, and what it says after each round in which the escapes in it are undone, and octets are read as UTF-8.

    Raises:
        RecursionError: there are escapes inside of each other without an end.
    """
    return _rounds(text, _undone)


def unescaped_text(text: str) -> Iterator[str]:
    """The texts of the readings that `unescaped` yields, for less work.

    Raises:
        RecursionError: there are escapes inside of each other without an end.
    """
    return _rounds(text, _undone_text)


def squeezed(text: str) -> str:
    """The text of `Reading.squeezed`, for less work."""
    return _MARKS.sub("", text)


def is_printable(text: str) -> bool:
    """Whether `text` is in ASCII, without other control characters than line breaks and tabs."""
    return text.isascii() and _PRINTABLE.fullmatch(text) is not None


def in_units(text: str) -> str:
    """`text` with a surrogate pair in place of each character that is two units of UTF-16."""
    return text if text.isascii() else _WIDE.sub(_pair, text)


def folded(text: str) -> str:
    """The text of `Reading.folded`, for less work."""
    if text.isascii():
        return text.lower().replace("+", " ")
    return text.translate(_FOLDS)


def _rounds(text: _T, undone: Callable[[_T], _T]) -> Iterator[_T]:
    yield text
    for _ in range(_ROUNDS):
        plain = undone(text)
        if plain == text:  # each escape is longer than what it stands for
            return
        text = plain
        yield text
    raise RecursionError("too many escapes inside of each other")


def decoded(text: Reading) -> Iterator[Reading]:
    """The octets that hexadecimal digits, base64 and base32 in `text` stand for, whatever stands before them there, and
    the characters whose numbers are in a list."""
    squeezed = text.squeezed()
    for each in (text,) if squeezed.text == text.text else (text, squeezed):
        for offset in range(2):
            yield _decoded(each, _HEX, offset, 4, _from_hex)
    for offset in range(4):
        yield _decoded(text, _BASE64, offset, 6, _from_base64)
    if _BASE32.search(text.text):
        for offset in range(8):
            yield _decoded(text, _BASE32, offset, 5, _from_base32)
    yield _of_numbers(text)


def _undone(text: Reading) -> Reading:
    return text.replaced(_escapes_in(text.text))


def _undone_text(text: str) -> str:
    return _ESCAPE.sub(_meaning_or_itself, text)


def _meaning_or_itself(found: re.Match[str]) -> str:
    meaning = _meaning(found)
    return found[0] if meaning is None else meaning


def _escapes_in(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _ESCAPE.finditer(text):
        meaning = _meaning(found)
        if meaning is not None:
            yield found.start(), found.end(), meaning


def _meaning(found: re.Match[str]) -> str | None:
    """What an escape stands for; None if it is none."""
    high, low, *hexadecimal, octal, decimal, entity, letter, quote, double, octets = found.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    for digits, base in (*((each, 16) for each in hexadecimal), (octal, 8), (decimal, 10)):
        if digits is not None:
            number = int(digits, base)
            return chr(number) if number <= _LAST else None
    if entity is not None:
        return html5.get(entity)
    if octets is not None:
        return octets.encode("latin-1").decode("utf-8", "ignore") or None
    return quote or double or _OF_A_LETTER.get(letter, letter)


def _decoded(text: Reading, runs: re.Pattern[str], offset: int, bits: int, decode: Callable[[str], bytes]) -> Reading:
    parts, starts, ends = list[str](), list[int](), list[int]()
    for found in runs.finditer(text.text):
        begin = found.start() + offset
        octets = decode(found[0][offset:])
        parts += (octets.decode("latin-1"), _BETWEEN)
        starts += (text.starts[begin + 8 * at // bits] for at in range(len(octets)))
        ends += (text.ends[begin + (8 * at + 7) // bits] for at in range(len(octets)))
        starts.append(text.starts[found.end() - 1])
        ends.append(text.ends[found.end() - 1])
    return Reading("".join(parts), starts, ends)


def _of_numbers(text: Reading) -> Reading:
    parts, starts, ends = list[str](), list[int](), list[int]()
    for run in _NUMBERS.finditer(text.text):
        for found in _NUMBER.finditer(text.text, *run.span()):
            parts.append(chr(min(int(found[0]), _LAST)))
            starts.append(text.starts[found.start()])
            ends.append(text.ends[found.end() - 1])
        parts.append(_BETWEEN)
        starts.append(text.starts[run.end() - 1])
        ends.append(text.ends[run.end() - 1])
    return Reading("".join(parts), starts, ends)


def _between(separators: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for found in separators.finditer(text):
        if found.start() > done:
            yield done, found.start()
        done = found.end()
    if done < len(text):
        yield done, len(text)


def _pair(found: re.Match[str]) -> str:
    high, low = divmod(ord(found[0]) - 0x10000, 0x400)
    return chr(0xD800 + high) + chr(0xDC00 + low)


def _from_hex(digits: str) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _from_base64(digits: str) -> bytes:
    used = digits[:-1] if len(digits) % 4 == 1 else digits
    return b64decode(used.translate(_URLSAFE) + "=" * (-len(used) % 4))


def _from_base32(digits: str) -> bytes:
    octets = len(digits) * 5 // 8
    return b32decode(digits[: -(-octets * 8 // 5)].ljust(-(-octets // 5) * 8, "="))


class _Folds(dict[int, str]):
    """The folds of characters, by their numbers."""

    def __missing__(self, number: int) -> str:
        if len(self) >= _MOST_FOLDS:
            self.clear()
        folded = normalize("NFKD", normalize("NFKD", chr(number)).casefold()).replace("+", " ")
        self[number] = folded
        return folded


_FOLDS: Final = _Folds()
