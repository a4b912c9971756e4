"""The grammar of HTTP authentication, both ways (RFC 9110 §11).

Everything that splits an ``Authorization`` value or writes a ``WWW-Authenticate`` value lives here. Reading is strict
where a lenient reading has been a bypass elsewhere: one space and not a tab after the scheme, no control characters,
one credential only.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_CREDENTIAL_LENGTH: Final = 8 * 1024
"""The longest credential looked at, in characters (nginx and Apache refuse header lines over 8 KiB too)."""

# token         = 1*tchar                                                    RFC 9110 §5.6.2
# token68       = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="   RFC 9110 §11.2
# quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE                    RFC 9110 §5.6.4
# auth-param    = token BWS "=" BWS ( token / quoted-string )                RFC 9110 §11.2
# b64token is token68 under its older name                                  RFC 6750 §2.1
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the ABNF's word
_QDTEXT = r"[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]"
_QUOTED = rf'"({_QDTEXT}*+(?:\\[\t \x21-\x7e\x80-\xff]{_QDTEXT}*+)*+)"'
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# One element of a list of auth-params, which may be empty, up to its comma; or the rest, where that is no such list.
# Possessive throughout: no text makes it look twice.
_ELEMENT = re.compile(
    rf"[ \t]*+(?:({_TOKEN}+)[ \t]*+=[ \t]*+(?:{_QUOTED}|({_TOKEN}+)))?+[ \t]*+(?:,|\Z)|(.+)", re.DOTALL
)
_SCHEME = re.compile(_TOKEN)
_ONLY_TOKEN = re.compile(_TOKEN)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

Params = tuple[tuple[str, str], ...]


class Authorization(NamedTuple):
    """One ``Authorization`` value, split at the scheme and not looked into any further.

    Args:
        scheme: the scheme's name in lower case; empty when the value does not begin with one.
        value: what follows it; empty with anything but spaces between them, as ``Bearer/abc``.
        duplicate: the value holds, or may hold, more than one credential.
        params: the auth-params, where the value holds a comma and is a list of them.
    """

    scheme: str
    value: str
    duplicate: bool = False
    params: Params | None = None

    def __repr__(self) -> str:
        return f"Authorization(scheme={self.scheme!r})"  # the rest is a secret


def parse_authorization(text: str) -> Authorization:
    """Split the value of ``Authorization``, several header lines joined by a comma, as servers join them.

    >>> auth = parse_authorization("bearer abc")
    >>> auth.scheme, auth.duplicate
    ('bearer', False)
    >>> parse_authorization("Bearer abc, Bearer def").duplicate
    True
    """
    text = text.strip(" \t")
    if "," not in text:
        # Nearly all: one credential, and one space after its scheme.
        name, space, value = text.partition(" ")
        if space and name.isalpha() and name.isascii():
            return Authorization(name.lower(), value.lstrip(" "))
    match = _SCHEME.match(text)
    if match is None:
        return Authorization("", text, duplicate="," in text)
    scheme, rest = match.group().lower(), text[match.end() :]
    value = rest.lstrip(" ") if rest.startswith(" ") else ""
    if "," not in rest:
        return Authorization(scheme, value)
    # Each comma separates auth-params of one credential, or else it may separate two credentials.
    params = parse_params(value)
    return Authorization(scheme, value, duplicate=params is None, params=params)


def is_token68(text: str) -> bool:
    """Whether `text` is a token68 of RFC 9110 §11.2, which is the b64token of RFC 6750 §2.1."""
    return _TOKEN68.fullmatch(text) is not None


def parse_params(text: str) -> Params | None:
    """The auth-params of a credential or challenge, names in lower case; None when it is anything else.

    An empty list element is allowed (RFC 9110 §5.6.1.2); the same name twice is not (§11.2).
    """
    if len(text) > MAX_CREDENTIAL_LENGTH or text.startswith((" ", "\t")):
        return None
    elements: list[tuple[str, str, str, str]] = _ELEMENT.findall(text)
    # What is no list is matched to its end, behind which there is only the empty element.
    if elements[-1][3] or elements[-2:][0][3]:
        return None
    if "\\" in text:
        elements = [(name, _ESCAPED.sub(r"\1", quoted), bare, "") for name, quoted, bare, _ in elements]
    params = tuple([(name.lower(), bare or quoted) for name, quoted, bare, _ in elements if name])
    return params if params and len(dict(params)) == len(params) else None


def quote(text: str) -> str:
    """`text` as a quoted-string. A character that may not stand in a header becomes ``?``.

    >>> print(quote('say "hi"'))
    "say \\"hi\\""
    """
    return '"' + _UNPRINTABLE.sub("?", text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_token(text: str) -> bool:
    """Whether `text` is a token of RFC 9110 §5.6.2."""
    return _ONLY_TOKEN.fullmatch(text) is not None


def write_params(params: Params, *, bare: frozenset[str] = frozenset()) -> str:
    """auth-params as they stand in a header: quoted, but for the names in `bare`, which hold tokens."""
    return ", ".join(f"{name}={value if name in bare else quote(value)}" for name, value in params)
