"""Protected resource metadata of an API (RFC 9728): the issuers and scopes of its tokens, for clients without one."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.location import mistake_in_url
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.scopes import checked_scopes

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""The well-known path of RFC 9728 §3."""
MAX_AGE: Final = 300
"""Seconds for which clients may cache the metadata."""

# The schemes of access tokens. RFC 9728 §5.1 allows the parameter with other schemes too; their clients ignore it.
_TOKEN_SCHEMES: Final = frozenset({"Bearer", "DPoP"})
_PLAIN_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*")
_OWN: Final = frozenset(
    {"resource", "authorization_servers", "scopes_supported", "bearer_methods_supported", "resource_name"}
)
# Pages of any origin may read it: MCP Inspector and other clients run in a browser.
_CORS: Final = (("Access-Control-Allow-Origin", "*"),)
_PREFLIGHT: Final = (
    *_CORS,
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "86400"),
)


@explains_arguments("ProtectedResource('https://api.example', ['https://id.example'])")
class ProtectedResource:
    """The metadata of an API: ``Auth(..., resource=ProtectedResource("https://api.example/mcp", [issuer]))``.

    Every challenge then names the URL of the metadata (RFC 9728 §5.1), and the middleware serves it there to anybody.
    Clients look for it at the root of the host (§3.1). An application that is mounted below the root needs it at the
    root too: by ``Mount(ProtectedResource.of(auth), app)`` of `authmw.asgi` or `authmw.wsgi`, or by an adapter's route.

    Args:
        resource: the URL of the API, byte for byte as its clients write it: they compare it, and request tokens for it.
        authorization_servers: the issuers whose tokens it accepts.
        scopes: the scopes that clients may request; those of the `Auth` by default.
        name: the name of the API, for people.
        more: further members of RFC 9728 §2, as ``{"resource_documentation": "https://…"}``.

    Raises:
        ConfigurationError: every mistake at once.

    >>> api = ProtectedResource("https://api.example/mcp", ["https://id.example"], scopes=["orders:read"])
    >>> api.metadata_url
    'https://api.example/.well-known/oauth-protected-resource/mcp'
    >>> api.document["authorization_servers"]
    ['https://id.example']
    """

    def __init__(
        self,
        resource: str,
        authorization_servers: Collection[str],
        *,
        scopes: Iterable[str] = (),
        name: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        mistakes = [*_in_resource(resource), *_in_servers(authorization_servers), *_in_more(more)]
        try:
            self.scopes: tuple[str, ...] = checked_scopes(scopes)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.resource: str = resource
        self.authorization_servers: tuple[str, ...] = tuple(authorization_servers)
        self.name: str = name
        self._more: dict[str, Any] = dict(more or {})
        parts = urlsplit(resource)
        # RFC 9728 §3.1: a slash right behind the host "MUST be removed" before the well-known path is put in.
        self.metadata_path: str = WELL_KNOWN + ("" if parts.path == "/" else parts.path)
        """The path of the metadata, from the root of the host."""
        self.metadata_url: str = f"{parts.scheme}://{parts.netloc}{self.metadata_path}"
        """The URL of the metadata."""
        self._body = json.dumps(self.document, separators=(",", ":")).encode()

    @property
    def document(self) -> dict[str, Any]:
        """The metadata (§2). Members without a value are left out (§3.2)."""
        members: dict[str, Any] = {
            "resource": self.resource,
            "authorization_servers": list(self.authorization_servers),
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
            **self._more,
        }
        return {name: value for name, value in members.items() if value not in ("", [], None)}

    @staticmethod
    def of(given: ProtectedResource | Describes) -> ProtectedResource:
        """`given`, or the resource of an `Auth`, with the scopes of the `Auth`.

        Raises:
            ConfigurationError: `given` is no `ProtectedResource`, or the `Auth` was made without one.
        """
        found: object = given if isinstance(given, ProtectedResource) else getattr(given, "resource", None)
        if not isinstance(found, ProtectedResource):
            raise ConfigurationError(
                "there is no resource to describe: pass a ProtectedResource, or the Auth that was made with resource="
            )
        return found

    def respond(self, request: RequestHead) -> Response | None:
        """The response to a request for the metadata, the same for each client; None for any other request.

        The application may be mounted anywhere. So the path counts from its root, or from the root of the host.
        """
        path = request.path
        if not path.endswith(self.metadata_path) or not request.is_canonical:
            return None
        if self.metadata_path not in (path, request.root + path):
            return None
        if request.method in ("GET", "HEAD"):
            kind = ("Content-Type", "application/json")
            return self._response(200, self._body, kind, ("Cache-Control", f"public, max-age={MAX_AGE}"))
        if request.method == "OPTIONS":
            return Response(204, _PREFLIGHT, b"")
        kind = ("Content-Type", "text/plain; charset=utf-8")
        return self._response(405, b"Use GET or HEAD.", kind, ("Allow", "GET, HEAD, OPTIONS"))

    def named_in(self, challenge: Challenge) -> Challenge:
        """`challenge` with the URL of the metadata, by which clients find the issuers (RFC 9728 §5.1)."""
        if challenge.scheme not in _TOKEN_SCHEMES:
            return challenge
        return Challenge(challenge.scheme, (*challenge.params, ("resource_metadata", self.metadata_url)))

    def with_scopes(self, scopes: Iterable[str]) -> ProtectedResource:
        """The same API with `scopes`, unless it has scopes of its own."""
        if self.scopes:
            return self
        return ProtectedResource(
            self.resource, self.authorization_servers, scopes=scopes, name=self.name, more=self._more
        )

    def _response(self, status: int, body: bytes, *headers: tuple[str, str]) -> Response:
        return Response(status, (*headers, ("Content-Length", str(len(body))), *_CORS), body)

    def __repr__(self) -> str:
        return f"ProtectedResource({self.resource!r}, {list(self.authorization_servers)!r})"


class Describes(Protocol):
    """An `Auth` that was made with ``resource=``: it has the resource, with all scopes."""

    @property
    def resource(self) -> ProtectedResource | None:
        """The resource; None without one."""
        ...


def _in_resource(resource: object) -> Iterable[str]:
    wrong = mistake_in_url(resource)
    if wrong:
        yield f"resource={resource!r} is not the URL of this API ({wrong}): write it as clients do, 'https://api.example'"
        return
    parts = urlsplit(cast("str", resource))
    if parts.query or not _PLAIN_PATH.fullmatch(parts.path):
        # RFC 9728 §1.2: the URL should have no query. Escapes are refused, since programs read them in different ways.
        yield f"resource={resource!r} may have neither escapes in its path nor a query: write 'https://api.example/mcp'"


def _in_servers(servers: object) -> Iterable[str]:
    listed: list[object] = list(cast("Collection[object]", servers)) if isinstance(servers, list | tuple | set) else []
    if not listed:
        yield "authorization_servers= is a list of the issuers whose tokens are accepted: ['https://id.example']"
    for server in listed:
        wrong = mistake_in_url(server, query=False)
        if wrong:
            yield f"the authorization server {server!r} ({wrong}): write its https URL, as in its own metadata"


def _in_more(more: object) -> Iterable[str]:
    if more is None:
        return
    if not isinstance(more, Mapping):
        yield "more= is a mapping of members of RFC 9728 §2: {'resource_documentation': 'https://…'}"
        return
    members = cast("Mapping[object, object]", more)
    taken = sorted(str(name) for name in members if name in _OWN)
    if taken:
        yield f"more= holds {', '.join(taken)}, which the other arguments set: remove it from more="
    try:
        json.dumps(dict(members), allow_nan=False)
    except (TypeError, ValueError):
        yield "more= has values that are no JSON: write strings, lists, numbers and mappings"
