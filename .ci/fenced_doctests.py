"""Griffe extension for the docs: doctests become blocks of code. Markdown takes their prompts for quotations."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

# From the first prompt to the next empty line: the example and what it prints.
_DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)


def fenced(docstring: str) -> str:
    """`docstring` with a fence around each doctest."""
    return _DOCTEST.sub(r"\g<indent>```pycon\n\g<0>\n\g<indent>```", docstring)


class FencedDoctests(Extension):
    """Fences the doctests of everything that is collected."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of `obj`."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
