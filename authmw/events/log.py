r"""Log records: one line each, which no text from a request can forge, with the same fields for machines.

The message is for people and for ``grep``: ``authmw refused code=authmw.token-audience detail="aud is 'order'"``. The
attribute ``authmw`` of the `logging.LogRecord` is a dict with the same fields, for logs in JSON. In both, a control
character, a line break and whatever is not ASCII is escaped, and long text is cut.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

from authmw.events import console

Field = str | int | Sequence[str]
"""The value of a field: text, a number, or several texts."""

_MAX_TEXT: Final = 128
_FIELD: Final = re.compile(r"((?:^| )[\w.-]+)=")


def escaped(text: str) -> str:
    """`text` on one line: printable ASCII, cut after 128 characters.

    >>> escaped("bob refused\\n")
    'bob refused\\\\n'
    """
    cut = text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
    return cut.encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    r"""`text` as the value of a field of a message.

    Text with a space stands in quotes, and no word in it looks like a field: the ``=`` behind a name is escaped. So it
    cannot be taken for another field, also by a program that splits the line at spaces.

    >>> printable("/orders"), printable("aud is 'order'"), printable("/ principal=admin")
    ('/orders', '"aud is \'order\'"', '"/ principal\\x3dadmin"')
    >>> printable("write TokenService(password=True)")
    '"write TokenService(password=True)"'
    """
    line = escaped(text)
    if " " not in line and '"' not in line:
        return line
    return '"' + _FIELD.sub(r"\1\\x3d", line.replace('"', '\\"')) + '"'


def write(to: logging.Logger, level: int, event: str, fields: Mapping[str, Field], *, debug: bool = False) -> None:
    """Write one record, of the fields that are not empty.

    Args:
        to: the logger.
        level: of `logging`.
        event: what happened, in one word.
        fields: what is known of it.
        debug: whether the application is in debug mode. Then the record appears on a terminal, if the program has not
            configured `logging`.
    """
    if not is_written(to, level, debug=debug):
        return
    known = {name: value for name, value in fields.items() if value}
    text = " ".join(f"{name}={printable(_text(value))}" for name, value in known.items())
    extra = {"authmw": {"event": event, **{name: _escaped(value) for name, value in known.items()}}}
    if to.isEnabledFor(level):
        to.log(level, "authmw %s %s", event, text, extra=extra, stacklevel=2)
    if console.is_needed(to, level, debug=debug):
        console.show(to.makeRecord(to.name, level, "", 0, "authmw %s %s", (event, text), None, extra=extra))


def is_written(to: logging.Logger, level: int, *, debug: bool) -> bool:
    """Whether a record of `level` would be written anywhere."""
    return to.isEnabledFor(level) or console.is_needed(to, level, debug=debug)


def _text(value: Field) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else ",".join(value)


def _escaped(value: Field) -> Field:
    if isinstance(value, int):
        return value
    return escaped(value) if isinstance(value, str) else [escaped(each) for each in value]
