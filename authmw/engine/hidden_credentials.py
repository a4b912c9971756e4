"""Credentials taken out of what the program below sees: headers, cookies and query parameters that schemes read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from authmw.http.request import Environ, Scope, variable
from authmw.http.target import without_query_values
from authmw.schemes.base import SecurityScheme

_REDIRECT: Final = "REDIRECT_"  # Apache keeps a variable under this name when it has rewritten the request
_COPIES: Final = (
    "headers_raw",  # eventlet
    "aiohttp.request",  # aiohttp-wsgi
    "aws.event",  # Mangum
    "serverless.event",
    "apig_wsgi.request_event",
    "werkzeug.request",  # these layers further out leave what they have parsed
    "webob.adhoc_attrs",
    "webob._parsed_cookies",
    "webob._parsed_query_vars",
    "paste.cookies",
    "paste.parsed_querystring",
    "paste.parsed_dict_querystring",
    "bottle.request",
)
"""Whole requests, and parts of them, under keys of their own. They are taken out: whatever needs one makes it anew."""


class HiddenCredentials:
    """The places from which credentials are taken.

    Args:
        schemes: the schemes that read them.
    """

    def __init__(self, schemes: Iterable[SecurityScheme[Any]]) -> None:
        headers: set[str] = set()
        self._cookies: set[str] = set()
        self._parameters: set[str] = set()
        places = {"header": headers, "cookie": self._cookies, "query": self._parameters}
        for scheme in schemes:
            described = scheme.openapi()
            named: object = described.get("name")
            if described.get("type") == "apiKey" and isinstance(named, str):
                places[described["in"]].add(named)
            else:
                headers.update(name for name in scheme.vary.split(", ") if name)
        self._headers = frozenset(name.lower().encode("latin-1") for name in headers)
        self._variables = frozenset(variable(name.lower()) for name in headers)
        self._places = self._variables | {"HTTP_COOKIE", "QUERY_STRING"}

    def environ(self, environ: Environ) -> Environ:
        """A copy of `environ` without the credentials."""
        shown = {name: value for name, value in environ.items() if name not in _COPIES}
        for name in [each for each in shown if each.rpartition(_REDIRECT)[2] in self._places]:
            kept = self._other_text(name.rpartition(_REDIRECT)[2], shown.pop(name))
            if kept is not None:
                shown[name] = kept
        if self._parameters:
            # The target is in REQUEST_URI or RAW_URI, in the Referer of the next request, and in headers of proxies.
            texts = {name: value for name, value in shown.items() if isinstance(value, str) and "?" in value}
            shown.update({name: self._target(value) for name, value in texts.items()})
        return shown

    def scope(self, scope: Scope) -> Scope:
        """A copy of `scope` without the credentials."""
        headers = (self._other_header(name, value) for name, value in scope["headers"] if name not in self._headers)
        shown: Scope = {name: value for name, value in scope.items() if name not in _COPIES}
        shown["headers"] = [each for each in headers if each is not None]
        if "wsgi_environ" in scope:  # a2wsgi
            shown["wsgi_environ"] = self.environ(scope["wsgi_environ"])
        if self._parameters:
            query = scope.get("query_string", b"").decode("latin-1")
            shown["query_string"] = self._other_parameters(query).encode("latin-1")
            raw: bytes | None = scope.get("raw_path")
            if raw is not None:
                shown["raw_path"] = self._target(raw.decode("latin-1")).encode("latin-1")
        return shown

    def _other_text(self, name: str, value: str) -> str | None:
        """What is shown of the variable `name`; None for nothing."""
        if name in self._variables:
            return None
        if name == "HTTP_COOKIE" and self._cookies:
            return self._other_cookies(value) or None
        return self._other_parameters(value) if name == "QUERY_STRING" else value

    def _other_header(self, name: bytes, value: bytes) -> tuple[bytes, bytes] | None:
        """What is shown of a header line; None for nothing."""
        if name == b"cookie" and self._cookies:
            kept = self._other_cookies(value.decode("latin-1"))
            return (name, kept.encode("latin-1")) if kept else None
        if self._parameters and b"?" in value:
            return name, self._target(value.decode("latin-1")).encode("latin-1")
        return name, value

    def _other_cookies(self, header: str) -> str:
        return ";".join(pair for pair in header.split(";") if not self._is_hidden(pair)).strip(" \t")

    def _is_hidden(self, pair: str) -> bool:
        # A cookie without a name may look like one of these to the program below.
        name = pair.lstrip("= \t").partition("=")[0].rstrip(" \t")
        return name in self._cookies

    def _other_parameters(self, query: str) -> str:
        for name in self._parameters:
            query = without_query_values(query, name)
        return query

    def _target(self, target: str) -> str:
        path, mark, query = target.partition("?")
        return path + mark + self._other_parameters(query)
