"""Finished bodies of Flask's responses: those for which no code of the application runs any more.

Werkzeug has no public names for what is asked here. Where one of them is missing, a body counts as not finished.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from werkzeug.wsgi import ClosingIterator

_ENCODING: Final = getattr(Response().iter_encoded(), "gi_code", None)
"""The code of the generator that only encodes the parts of a response."""
_CLOSE: Final = Response.close
_WHOLE: Final = (list, tuple)
_NO_PARTS: Final = type(iter(()))
"""What a body for HEAD iterates over."""


def is_finished(body: object) -> bool:
    """Whether `body` is that of a response with all of its parts, which calls no function when it is closed."""
    if type(body) is not ClosingIterator:
        return False
    known: Any = body
    try:
        parts, callbacks = known._next.args[0], known._callbacks
        close = callbacks[-1]
        response = close.__self__
        if close.__func__ is not _CLOSE or response._on_close or type(response.response) not in _WHOLE:
            return False
        if type(parts) is _NO_PARTS:
            return len(callbacks) == 1
        return parts.gi_code is _ENCODING and len(callbacks) == 2 and callbacks[0].__self__ is parts
    except (AttributeError, IndexError):
        return False
