"""Parser of form requests, stricter than those of web frameworks (RFC 6749 §3.2, App. B)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from authmw.errors import Unavailable
from authmw.flow.flow import Ask, Flow
from authmw.http.request import MAX_FORM, BodyIncomplete, BodyTooLarge, RequestHead

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
"""The media type of a form without files."""
FORM_FIELD: Final = "csrf_token"
"""The field of a form with its token."""
FORM_HEADER: Final = "x-csrf-token"
"""The header with the token of a form, for scripts."""
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

_NONE: Final[frozenset[str]] = frozenset()


class Form:
    """The parameters of a request, each at most once and none of them empty.

    Args:
        parameters: by name.
        resources: the APIs that a token is requested for; ``resource`` may be repeated (RFC 8707 §2).
    """

    __slots__ = ("_parameters", "resources")

    def __init__(self, parameters: dict[str, str], resources: frozenset[str] = _NONE) -> None:
        self._parameters = parameters
        self.resources: frozenset[str] = resources

    def get(self, name: str) -> str | None:
        """The parameter's value; None if it is missing or empty (RFC 6749 §3.2)."""
        return self._parameters.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self._parameters

    def __repr__(self) -> str:
        return f"Form({sorted(self._parameters)!r})"  # values are secrets


@dataclass(frozen=True, slots=True)
class BadForm:
    """What is wrong with a form.

    Args:
        description: one sentence. It contains no part of the request.
        status: the status that HTTP has for it.
    """

    description: str
    status: int = 400


_MALFORMED: Final = BadForm("The body is not well-formed.")


def is_form(request: RequestHead) -> bool:
    """Whether the body of `request` says that it is a form without files."""
    kind = request.header("content-type") or ""
    return kind == MEDIA_TYPE or kind.partition(";")[0].strip().lower() == MEDIA_TYPE


def read_form(request: RequestHead) -> Flow[Form | BadForm]:
    """The form in the body of a POST. The query is never read (RFC 6749 §2.3.1).

    Raises:
        Unavailable: the body cannot be read for another reason than its size and its end.
    """
    if not is_form(request):
        return BadForm(f"The body has to be {MEDIA_TYPE}.")
    try:
        body = yield from Ask(request.read_body, MAX_FORM)
    except Unavailable as error:
        if isinstance(error.__cause__, BodyTooLarge):
            return BadForm("The body is too large.", 413)
        if isinstance(error.__cause__, BodyIncomplete):
            return BadForm("The body is not complete.")  # half a form may mean something else
        raise
    return parse_form(body)


def parse_form(body: bytes) -> Form | BadForm:
    """The parameters in `body`.

    >>> parse_form(b"scope=orders%3Aread&state=")
    Form(['scope'])
    >>> parse_form(b"scope=a&scope=b").description
    'A parameter is there more than once.'
    """
    if not body.isascii() or b"\x00" in body:
        return _MALFORMED
    parameters: dict[str, str] = {}
    resources: set[str] = set()
    for pair in body.decode("ascii").split("&"):
        if not pair:
            continue
        parts = pair.partition("=")
        name, _, value = map(unescaped, parts) if "%" in pair or "+" in pair else parts
        if name is None or value is None:
            return _MALFORMED
        if name == "resource":
            resources.update([value] if value else ())
        elif name in parameters:
            return BadForm("A parameter is there more than once.")
        else:
            parameters[name] = value
    if "" in parameters.values():
        parameters = {name: value for name, value in parameters.items() if value}
    return Form(parameters, frozenset(resources))


def unescaped(text: str) -> str | None:
    """The text that was form-urlencoded as the ASCII `text`; None for bad escapes, octets that are no UTF-8, and NUL.

    >>> unescaped("odd%3Aid+%2B"), unescaped("%zz"), unescaped("%ff")
    ('odd:id +', None, None)
    """
    text = text.replace("+", " ")
    if "%" not in text:
        return None if "\x00" in text else text
    if _BAD_ESCAPE.search(text) is not None:
        return None
    try:
        value = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in value else value
