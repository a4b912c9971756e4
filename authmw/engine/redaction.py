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
from typing import Any, Final, Literal
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus

from authmw.engine.readings import Reading, decoded, folded, unescaped, unescaped_text
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
_MOST_CHARACTERS: Final = 65_536
_MOST_OF_FORMS: Final = 524_288
"""Characters of the forms of all secrets: one in ASCII has five times its length, another one up to 25 times."""
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
_ENCODINGS: Final = ("utf-16-le", "utf-16-be")
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
    try:
        plain = list(unescaped(Reading.of(text)))
        encoded = [each for of in (*plain[:1], *plain[1:][-1:]) for found in decoded(of) for each in unescaped(found)]
    except RecursionError:
        return CUT
    for depth, reading in enumerate(plain):
        for found in (*_NAMED.finditer(reading.text), *_QUERY.finditer(reading.text)):
            _cut(is_cut, reading.part(*found.span(found.lastindex or 0)))
        if goes_on:
            _cut_end(is_cut, reading, depth)
    looked_at = [each.folded() for each in plain], [each.folded() for each in encoded]
    pieces = {piece for readings in looked_at for each in readings for piece in _pieces(each.text)}
    forms = _all_forms(secrets)
    if forms is None:
        return CUT
    pieces = {piece for form in forms for piece in _pieces(form) if piece in pieces}
    short = {form for form in forms if 0 < len(form) < _PIECE}
    for readings in looked_at:
        for reading in readings:
            _cut_secrets(is_cut, reading, short, pieces)
        short = {form for form in short if len(form) >= _SHORTEST}  # shorter ones are in the octets of any word
    return "".join(_kept(text, is_cut))


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + _PIECE] for at in range(len(text) - _PIECE + 1))


def _cut_end(is_cut: bytearray, reading: Reading, depth: int) -> None:
    """Cut the end of a text that goes on behind it: a secret may begin there that cannot be recognised by its half."""
    _cut(is_cut, slice(reading.unfinished(depth, _PIECE), len(is_cut)))
    for found in _IN_CUT_URL.finditer(reading.text):
        _cut(is_cut, reading.part(*found.span(1)))


def _cut_secrets(is_cut: bytearray, reading: Reading, short: set[str], pieces: set[str]) -> None:
    text = reading.text
    for form in short:
        start = text.find(form)
        while start >= 0:
            _cut(is_cut, reading.part(start, start + len(form)))
            start = text.find(form, start + 1)
    for at, piece in enumerate(_pieces(text)):
        if piece in pieces:
            _cut(is_cut, reading.part(at, at + _PIECE))


def _cut(is_cut: bytearray, part: slice) -> None:
    is_cut[part] = b"\1" * (part.stop - part.start)


def _kept(text: str, is_cut: bytearray) -> Iterator[str]:
    for at, character in enumerate(text):
        if not is_cut[at]:
            yield character
        elif at == 0 or not is_cut[at - 1]:
            yield CUT


def secrets_of(request: RequestHead, schemes: Iterable[SecurityScheme[Any]]) -> set[str]:
    """All texts of `request` that are or may be credentials, and their decoded parts."""
    found = {text for text in _sent(request) if text}
    found.update(text for scheme in schemes for text in _extracted(scheme, request) if text)
    latest = set(found)
    for _ in range(_ROUNDS):
        latest = {part for text in latest for part in _decoded(text)} - found
        found.update(latest)
        if len(found) > _MOST:
            break
    return found


def _sent(request: RequestHead) -> Iterator[str]:
    maybe = [request.query_string, *(pair.partition("=")[2] for pair in request.query_string.split("&"))]
    for name, value in request.headers:
        if name in ("authorization", "proxy-authorization"):
            rest = value.strip(" \t").partition(" ")[2].strip(" \t")
            yield from (value, rest, *_user_pass(rest))
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


def _all_forms(secrets: Iterable[str]) -> set[str] | None:
    """The forms of all `secrets`; None where they are too long to look for them."""
    forms, characters = set[str](), 0
    for form in (form for secret in secrets for form in _forms(secret)):
        if form not in forms:
            forms.add(form)
            characters += len(form)
        if characters > _MOST_OF_FORMS:
            return None
    return forms


def _forms(secret: str) -> Iterator[str]:
    """How `secret` looks in a reading: itself, and its octets as characters. It may look like an escape itself."""
    with suppress(RecursionError):
        for text in unescaped_text(secret):
            for spelt in {text} if text.isascii() else {text, *(normalize(form, text) for form in _NORMAL)}:
                yield folded(spelt)
                for encoding in _ENCODINGS:
                    yield folded(spelt.encode(encoding, "surrogatepass").decode("latin-1"))


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape", "replace").decode("ascii")
