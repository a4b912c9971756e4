"""Documents that anybody may read and keep for a while: the keys and the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.reply import Headers, empty_response, json_response

MAX_AGE: Final = 300
"""Seconds that a copy may be kept: so long before it signs has a new key to be there (OpenID Connect Core §10.1.1)."""


def document(request: RequestHead, members: Mapping[str, Any]) -> Response:
    """`members` as JSON, or a 304 for who has them already (RFC 9110 §13.1.2)."""
    answer = json_response(members, headers=(("Cache-Control", f"public, max-age={MAX_AGE}"),))
    tag = f'"{sha256(answer.body).hexdigest()[:32]}"'
    if _has(request.header("if-none-match"), tag):
        kept: Headers = (("Cache-Control", f"public, max-age={MAX_AGE}"), ("ETag", tag))
        return empty_response(status=304, headers=kept)
    return Response(answer.status, (*answer.headers, ("ETag", tag)), answer.body)


def _has(condition: str | None, tag: str) -> bool:
    """Whether `tag` is among the entity tags of ``If-None-Match``, compared weakly.

    >>> _has('W/"a", "b"', '"a"'), _has("*", '"a"'), _has('"a', '"a"'), _has(None, '"a"')
    (True, True, False, False)
    """
    tags = (each.strip(" \t").removeprefix("W/") for each in (condition or "").split(","))
    return any(each in ("*", tag) for each in tags)
