"""Redaction: cuts every credential of a request, and its decoded parts, out of a text for the log.

The text of an exception often is the secret: ``TOKENS[token]`` raises ``KeyError: '<the token>'``, database drivers
print parameters and URLs. So it is shown only in debug mode or at DEBUG, and only after this.
"""

from __future__ import annotations

import dataclasses
import re
import traceback
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple
from unicodedata import combining, normalize
from urllib.parse import unquote, unquote_plus

from authmw.engine.readings import Reading, decoded, folded, in_units, is_printable, squeezed, unescaped, unescaped_text
from authmw.http.grammar import parse_params
from authmw.http.request import RequestHead
from authmw.schemes.base import SecurityScheme

CUT: Final = "[cut]"
LONGEST: Final = 16_384
"""Characters of a traceback that are looked at: what a client sends may be in it, and is not worth more work."""
BEGINNING: Final = 512
"""Characters of the text of a failure that are looked at: more than a record has room for."""
_PIECE: Final = 8
"""Characters of a secret that may not be shown in a row: programs shorten what they print."""
_SHORTEST: Final = 4
"""Characters of a text that may be a credential. Shorter ones are everywhere, as in ``page=1``."""
_ROUNDS: Final = 3
_MOST: Final = 2048
"""Texts that may be credentials. A client may send more of them, to cost time; then no text is shown."""
_MOST_CHARACTERS: Final = 32_768
_MOST_OF_FORMS: Final = 32_768
"""Characters of the forms of all secrets: one in ASCII has one form if nothing in it looks like an escape."""
_MOST_OF_READINGS: Final = 262_144
"""Characters of all readings of a text. Those of a usual traceback have ten to thirty times its length."""
_MANY: Final = 64
"""Texts that are found faster by a look at each place of another text than by a search for each of them."""
_MOST_MARKS: Final = 30
"""Marks on one character that are looked at: as many as Unicode allows in a stream (UAX #15 §13)."""
_NAMED: Final = re.compile(
    r"""(?:passw(?:or)?d|pwd|secret|token|api_?key|authorization|cookie)["']?\s*[=:]\s*"""
    r"""(b?"[^"]*(?:"|\Z)|b?'[^']*(?:'|\Z)|(?:(?:bearer|basic)\s+)?[^\s"',;&)]+)"""
    r"|://[^/\s:@]*:([^/\s]+)@",
    re.IGNORECASE,
)
"""Secrets of the application itself, as drivers print them: ``password=...``, and the password in a URL."""
_QUERY: Final = re.compile(r"\?([\w.~%+-]+=[^\s#'\"<>]*)")
"""The query of a URL, which may be a key."""
_IN_CUT_URL: Final = re.compile(r"://[^/\s:@]*:([^/\s]+)\Z")
"""What may be a password in a URL whose end is not there."""
_NORMAL: Final[tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...]] = ("NFC", "NFD", "NFKC", "NFKD")
_SCHEMES: Final = frozenset({"basic", "bearer", "digest", "dpop", "negotiate", "token", "apikey"})
"""Authentication schemes, which are no part of the credentials behind them."""
_HARMLESS: Final = frozenset(
    {
        *("accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers"),
        *("access-control-request-method", "cache-control", "connection", "content-length", "content-type", "dnt"),
        *("expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
        *("keep-alive", "origin", "pragma", "priority", "range", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site"),
        *("sec-fetch-user", "te", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "via"),
        *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"),
    }
)
"""Headers that hold no credential. The values of all others are cut out."""


def redacted_traceback(
    error: BaseException, request: RequestHead | None = None, schemes: Iterable[SecurityScheme[Any]] = ()
) -> str:
    """The traceback of `error` without local variables and without the credentials of `request`, if there is one.

    Causes, contexts, groups and notes are in it. Each line is indented, and control characters are escaped, so that no
    line looks like another record.
    """
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    shown = redacted(text, ()) if request is None else without_credentials(text, request, schemes)
    lines = shown.splitlines()
    return "\n".join("    " + "".join(map(_printable, line)) for line in lines)


def without_credentials(
    text: str, request: RequestHead, schemes: Iterable[SecurityScheme[Any]], *, longest: int = LONGEST
) -> str:
    """`text` without the credentials of `request`, cut after `longest` characters; nothing of it where too much may be
    a credential."""
    secrets = secrets_of(request, schemes)
    if len(secrets) > _MOST or sum(map(len, secrets)) > _MOST_CHARACTERS:
        return CUT
    return redacted(text, secrets, longest=longest)


def redacted(text: str, secrets: Iterable[str], *, longest: int = LONGEST) -> str:
    """`text` without the `secrets`, however they are escaped or encoded, and without longer pieces of them.

    Of a text that is longer than `longest`, a secret may go on where it is cut: it is cut before that.

    >>> redacted("KeyError: 'Zm9vYmFyYmF6' in /srv/app.py", ["Zm9vYmFyYmF6"])
    "KeyError: '[cut]' in /srv/app.py"
    >>> redacted("KeyError: 'p\\\\u00e4ss'", ["päss"])
    "KeyError: '[cut]'"
    """
    goes_on = len(text) > longest
    text = text[:longest]
    is_cut = bytearray(len(text))
    forms = _all_forms(secrets)
    looked_at = None if forms is None else _all_readings(text)
    if forms is None or looked_at is None:
        return CUT
    for depth, reading in enumerate(looked_at.plain):
        for found in (*_NAMED.finditer(reading.text), *_QUERY.finditer(reading.text)):
            _cut(is_cut, reading.part(*found.span(found.lastindex or 0)))
        if goes_on:
            _cut_end(is_cut, reading, depth)
    looked_at.cut(is_cut, forms)
    return "".join(_kept(text, is_cut))


class _Readings(NamedTuple):
    """The readings of a text."""

    plain: list[Reading]
    """Itself, and what it says after each round in which escapes are undone."""
    folded: list[Reading]
    """These without differences of case, and what they say in UTF-16."""
    encoded: list[Reading]
    """What hexadecimal, base64 and lists of numbers in it stand for."""
    squeezed: list[Reading]
    """Letters and digits alone."""

    def cut(self, is_cut: bytearray, forms: _Forms) -> None:
        """Cut the forms of secrets, and pieces of the longer ones."""
        pieces = _common_pieces((*self.folded, *self.encoded), forms.spelt)
        _cut_texts(is_cut, self.folded, forms.short(1), pieces)
        _cut_texts(is_cut, self.encoded, forms.short(_SHORTEST), pieces)  # shorter ones are in any octets
        pieces = _common_pieces(self.squeezed, forms.squeezed)
        _cut_texts(is_cut, self.squeezed, forms.short(_SHORTEST, squeezed=True), pieces)


def _all_readings(text: str) -> _Readings | None:
    """The readings of `text`; None where they are too much."""
    room = _MOST_OF_READINGS

    def kept(readings: Iterable[Reading]) -> Iterator[Reading]:
        nonlocal room
        for each in readings:
            room -= len(each.text)
            if room < 0:
                raise _TooMuch
            yield each

    try:
        plain = list(kept(unescaped(Reading.of(text))))
        ends = plain[:1] + plain[1:][-1:]
        octets = list(kept(found for of in ends for found in decoded(of)))
        return _Readings(
            plain,
            [each.folded() for of in plain for each in (of, *kept(of.wide()))],
            [each.folded() for of in octets for each in (*kept(unescaped(of)), *kept(of.wide()))],
            [each.folded().squeezed() for each in ends],
        )
    except (RecursionError, _TooMuch):
        return None


def _cut_end(is_cut: bytearray, reading: Reading, depth: int) -> None:
    """Cut the end of a text that goes on behind it: a secret may begin there that cannot be recognised by its half."""
    end = min(reading.unfinished(depth, _PIECE), reading.unfinished_list(depth, _PIECE))
    _cut(is_cut, slice(end, len(is_cut)))
    for found in _IN_CUT_URL.finditer(reading.text):
        _cut(is_cut, reading.part(*found.span(1)))


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(len(text) - size + 1))


def _common_pieces(readings: Iterable[Reading], forms: Iterable[str]) -> set[str]:
    here = {piece for reading in readings for piece in _pieces(reading.text, _PIECE)}
    return {piece for form in forms for piece in _pieces(form, _PIECE) if piece in here}


def _cut_texts(is_cut: bytearray, readings: Iterable[Reading], short: list[set[str]], pieces: set[str]) -> None:
    """Cut texts, each of one length in a set, out of all `readings`."""
    for texts in (*short, pieces):
        for reading in readings:
            for at, size in _places(reading.text, texts):
                _cut(is_cut, reading.part(at, at + size))


def _places(text: str, wanted: set[str]) -> Iterator[tuple[int, int]]:
    """Where each of the texts in `wanted`, which have one length, begins, and that length."""
    if len(wanted) > _MANY:
        size = len(next(iter(wanted)))
        yield from ((at, size) for at, piece in enumerate(_pieces(text, size)) if piece in wanted)
        return
    for each in wanted:
        at = text.find(each)
        while at >= 0:
            yield at, len(each)
            at = text.find(each, at + 1)


def _cut(is_cut: bytearray, part: slice) -> None:
    is_cut[part] = b"\1" * (part.stop - part.start)


def _kept(text: str, is_cut: bytearray) -> Iterator[str]:
    for at, character in enumerate(text):
        if not is_cut[at]:
            yield character
        elif at == 0 or not is_cut[at - 1]:
            yield CUT


def secrets_of(request: RequestHead, schemes: Iterable[SecurityScheme[Any]]) -> set[str]:
    """All texts of `request` that are or may be credentials, and their decoded parts; not all, if they are too much."""
    found = {text for text in _sent(request) if text}
    found.update(text for scheme in schemes for text in _extracted(scheme, request) if text)
    latest = found
    for _ in range(_ROUNDS):
        parts, room = set[str](), _MOST_CHARACTERS - sum(map(len, found))
        for text in latest:
            if room < 0 or len(found) + len(parts) > _MOST:
                return found | parts
            new = {part for part in _decoded(text) if part not in found and part not in parts}
            parts |= new
            room -= sum(map(len, new))
        found, latest = found | parts, parts
    return found


def _sent(request: RequestHead) -> Iterator[str]:
    maybe = [request.query_string, *(pair.partition("=")[2] for pair in request.query_string.split("&"))]
    for name, value in request.headers:
        if name in ("authorization", "proxy-authorization"):
            scheme, _, rest = value.strip(" \t").partition(" ")
            rest = rest.strip(" \t")
            if not rest or scheme.lower() not in _SCHEMES:
                yield value
            yield from (rest, *_user_pass(rest))
            maybe += [given for _, given in parse_params(rest) or ()]
        elif name == "cookie":
            maybe += [value, *(pair.partition("=")[2].strip(' \t"') for pair in value.split(";"))]
        elif name not in _HARMLESS:
            maybe.append(value)
    yield from (text for text in maybe if len(text) >= _SHORTEST)


def _user_pass(text: str) -> Iterator[str]:
    raw = _base64(text)
    for encoding in ("utf-8", "latin-1") if raw else ():
        try:
            pair = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield pair
        yield from pair.partition(":")[::2]


def _extracted(scheme: SecurityScheme[Any], request: RequestHead) -> Iterator[str]:
    try:
        credentials: Any = scheme.extract(request)
    except Exception:
        return  # it is a scheme of the application, and it may be what raised
    if dataclasses.is_dataclass(credentials):
        fields = dataclasses.fields(credentials)
        values = [
            getattr(credentials, each.name) for each in fields if not each.repr or each.name in ("username", "name")
        ]
    else:
        values = [credentials, *getattr(credentials, "__dict__", {}).values()]
    yield from (value for value in values if isinstance(value, str))


def _decoded(text: str) -> Iterator[str]:
    """What `text` means in the encodings that credentials are sent in, and the segments of a token."""
    yield from (unquote(text), unquote_plus(text), text.strip("\"'"))
    yield text.encode("latin-1", "replace").decode("utf-8", "replace")  # as a header is read in UTF-8
    if "." in text:
        yield from (part for part in text.split(".") if len(part) >= _SHORTEST)
    raw = _base64(text)
    if len(raw) >= _SHORTEST:
        yield from (raw.decode("utf-8", "replace"), raw.decode("latin-1"))


def _base64(text: str) -> bytes:
    """The octets of `text` in base64 or base64url; none if it is neither."""
    padded = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except ValueError:
        return b""


def _has_marks(text: str, number: int) -> bool:
    """Whether so many marks that combine with one character follow each other in `text`."""
    marks = "".join(each for each in set(text) if combining(each))
    return bool(marks) and re.search(f"[{marks}]{{{number}}}", text) is not None


class _TooMuch(Exception):
    """Nobody sends such a text, except to cost time."""


class _Forms(NamedTuple):
    """How secrets look in the readings of a text."""

    spelt: set[str]
    squeezed: set[str]
    """In a reading of letters and digits alone."""

    def short(self, shortest: int, *, squeezed: bool = False) -> list[set[str]]:
        """Those that are shorter than a piece and have at least `shortest` characters, by their length."""
        forms = self.squeezed if squeezed else self.spelt
        found = ({form for form in forms if len(form) == size} for size in range(shortest, _PIECE))
        return [texts for texts in found if texts]


def _all_forms(secrets: Iterable[str]) -> _Forms | None:
    """The forms of all `secrets`; None where they are too long to look for them."""
    forms, room = _Forms(set(), set()), _MOST_OF_FORMS
    try:
        for form in (form for secret in secrets for form in _forms(secret) if form not in forms.spelt):
            room -= len(form)
            if room < 0:
                return None
            forms.spelt.add(form)
            forms.squeezed.add(squeezed(form))
    except _TooMuch:
        return None
    return forms


def _forms(secret: str) -> Iterator[str]:
    """How `secret` looks in a reading. It may look like an escape itself."""
    with suppress(RecursionError):
        for text in unescaped_text(secret):
            for spelt in _spellings(text):
                yield folded(spelt)
                if not spelt.isascii():
                    yield from map(folded, _in_utf_16(spelt))


def _in_utf_16(text: str) -> Iterator[str]:
    """How `text` looks in `Reading.wide`, if not like itself, and how its octets look, if all of them are printable."""
    units = in_units(text)
    if units != text:
        yield units
    for order in ("utf-16-le", "utf-16-be"):
        octets = text.encode(order, "surrogatepass").decode("latin-1")
        if is_printable(octets):
            yield octets


def _spellings(text: str) -> set[str]:
    """`text` in the forms of Unicode that look different when they are folded: in those, the marks of one character
    have another order."""
    if text.isascii():
        return {text}
    if _has_marks(text, _MOST_MARKS + 1):
        raise _TooMuch  # `normalize` takes the square of their number
    if not _has_marks(normalize("NFKD", text), 2):
        return {text}
    return {text, *(normalize(form, text) for form in _NORMAL)}


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape", "replace").decode("ascii")
