"""The keys that verify our access tokens (RFC 7517 §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.documents import document
from authmw.oauth2.reply import no_such_endpoint

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService


def jwks(service: TokenService, request: RequestHead) -> Flow[Response]:
    """The public halves of all keys of the ring, also of those that sign no more. Opaque tokens have none: 404."""
    yield from ()
    if service.keys is None:
        return no_such_endpoint().response()
    return document(request, service.keys.jwks())
