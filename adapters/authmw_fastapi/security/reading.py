"""Readers of the credentials in a request, which return them only if they are unambiguous."""

import re
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Final, NamedTuple

from starlette.requests import HTTPConnection

from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, parse_authorization
from authmw.http.request import ASGIRequest

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# Programs on FastAPI use more tokens than a b64token allows (RFC 6750 §2.1), such as `id|secret` and `id:secret`. A
# space or a comma is refused, since it separates two values.
_BEARER_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
# The text after a comma is a parameter of the same credential if it has the form name=value, even if the value should
# have been quoted, as in `AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;date`. Other text may be a second one.
_PARAMETERS: Final = re.compile(r"[^,]*(?:,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+=[^=,][^,]*)+")


class Presented(NamedTuple):
    """An ``Authorization`` value: the whole text, the scheme as the client wrote it, and the text after the scheme."""

    text: str
    scheme: str
    value: str

    def __repr__(self) -> str:
        return f"Presented(scheme={self.scheme!r})"  # the other fields are secret

    def is_of(self, scheme: str) -> bool:
        """Whether its scheme is `scheme`, in upper or lower case (RFC 9110 §11.1), with text after it."""
        return self.scheme.lower() == scheme and self.value != ""

    @property
    def bearer_token(self) -> str | None:
        """The token after ``Bearer``; None for another scheme, for an empty value, and for a text that is no token."""
        if not self.is_of("bearer") or len(self.value) > MAX_CREDENTIAL_LENGTH:
            return None
        return self.value if _BEARER_TOKEN.fullmatch(self.value) else None


def authorization(connection: HTTPConnection) -> Presented | None:
    """The only credential in ``Authorization``; None if there is none, and if there may be two.

    >>> scope = {"type": "http", "headers": [(b"authorization", b"bearer t0ken")]}
    >>> authorization(HTTPConnection(scope))
    Presented(scheme='bearer')
    """
    lines = connection.headers.getlist("authorization")
    return split(lines[0]) if len(lines) == 1 else None


def split(text: str) -> Presented | None:
    """`text` split at its scheme; None when it is blank, holds a control character, or may be two credentials.

    >>> split("Digest a=b").value, split("Bearer a, Basic Yjpj")
    ('a=b', None)
    """
    stripped = text.strip(" \t")
    if not stripped or _CONTROL.search(stripped):
        return None
    scheme, value, duplicate, _ = parse_authorization(stripped)
    if duplicate and _PARAMETERS.fullmatch(stripped) is None:
        return None
    return Presented(text, stripped[: len(scheme)], value)


def key_in_header(connection: HTTPConnection, name: str) -> str | None:
    """The API key in the header `name`, if there is one such header."""
    return only(connection.headers.getlist(name))


def key_in_query(connection: HTTPConnection, name: str) -> str | None:
    """The API key in the query parameter `name`, if it occurs once and is UTF-8."""
    try:
        # ASGIRequest returns each byte as one character.
        values = ASGIRequest(connection.scope).query(name.encode().decode("latin-1"))
        return only([value.encode("latin-1").decode() for value in values])
    except ValueError:
        return None


def key_in_cookie(connection: HTTPConnection, name: str) -> str | None:
    """The API key in the cookie `name`, if it occurs once, without the quotes that Starlette puts around it."""
    try:
        values = ASGIRequest(connection.scope).cookie(name)
    except ValueError:
        return None
    return only([SimpleCookie().value_decode(value)[0] for value in values])


def only(values: Sequence[str]) -> str | None:
    """The only value in `values`, if it is usable; None if there is no value, or more than one.

    >>> only(["k3y"]), only(["k3y", "k3y"]), only([" "])
    ('k3y', None, None)
    """
    if len(values) != 1 or not is_usable(values[0]):
        return None
    return values[0]


def is_usable(key: str) -> bool:
    """Whether `key` may be an API key: not blank, at most 8 KiB, and without control characters."""
    return key.strip() != "" and len(key) <= MAX_CREDENTIAL_LENGTH and _CONTROL.search(key) is None
