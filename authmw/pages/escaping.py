"""Escaping of text for HTML: the one function by which text of others gets into any document of authmw."""

from __future__ import annotations

import re
from html import escape
from typing import Final

_REPLACEMENT: Final = "\ufffd"
# What cannot be shown or encoded: control characters (HTML Standard §13.1.4 allows only white space), halves of
# surrogate pairs, which UTF-8 does not have, and noncharacters. And the embeddings, overrides and isolates of Unicode
# TR9 §2: one of them turns the text behind it around, up to the end of the paragraph. The marks of TR9 §2.6, which
# names in Arabic and Hebrew contain, do not.
_NOT_SHOWN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def escaped(text: str) -> str:
    """`text` as HTML that shows it: between tags, and inside of an attribute in quotes.

    What HTML cannot contain and what changes the direction of other text becomes U+FFFD. The result can be encoded as
    UTF-8, whatever `text` is.

    >>> escaped('"><script>'), escaped("a\\x00b") == "a\\ufffdb"
    ('&quot;&gt;&lt;script&gt;', True)
    """
    return escape(visible(text))


def visible(text: str) -> str:
    """`text` with U+FFFD in place of what `escaped` does not let through, for documents other than HTML."""
    return _NOT_SHOWN.sub(_REPLACEMENT, text)
