"""Head of a request of Django: what authentication reads, by the path that Django routes by.

Django decides where a path begins: by ``FORCE_SCRIPT_NAME``, by ``SCRIPT_URL`` of mod_rewrite, and under ASGI also
inside of a segment. So the path and its root are those of the request of Django, and not those of the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django import conf
from django.core.exceptions import RequestDataTooBig
from django.http.request import RawPostDataException, UnreadablePostError

from authmw.http.request import BodyIncomplete, BodyTooLarge, Scope, WSGIRequest
from authmw.http.target import path_of

if TYPE_CHECKING:
    from django.http import HttpRequest

T = TypeVar("T")

_SAFE: Final = "/~:@!$&'()*+,;="


class DjangoRequest(WSGIRequest):
    """The head of a request, under WSGI and ASGI: Django gives both the same ``META``, which is the environ of WSGI.

    Args:
        request: the request as it is now. A layer may have changed its path or its method.
        method: another method than that of `request`.
    """

    __slots__ = ("_scope", "django")
    encoding = "utf-8"  # Django has decoded the path in ``META``

    def __init__(self, request: HttpRequest, *, method: str = "") -> None:
        super().__init__(request.META)
        self.django: HttpRequest = request
        self._scope: Scope | None = getattr(request, "scope", None)
        self.method: str = method or str(request.method)

    def call_blocking(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        """Call `function` on the thread that Django keeps for the synchronous code of a request.

        Its connections to databases are those of synchronous views, which Django closes after the request.
        """
        return sync_to_async(function, thread_sensitive=True)(*args, **kwargs)

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case)."""
        if name == "cookie" and self._scope is not None:  # Django joins its lines by commas
            lines = [value for key, value in self._scope["headers"] if key == b"cookie"]
            return b";".join(lines).decode("latin-1") if lines else None
        return super().header(name)

    @property
    def path(self) -> str:
        """``path_info``."""
        return self.django.path_info

    @property
    def debug(self) -> bool:
        """``settings.DEBUG``."""
        return bool(conf.settings.DEBUG)

    @property
    def raw_path(self) -> str | None:
        """The path of the request line, before decoding; None if the server does not provide it."""
        if self._scope is None:
            return super().raw_path
        raw: bytes | None = self._scope.get("raw_path")
        return None if raw is None else path_of(raw.decode("latin-1"))

    @property
    def target(self) -> str:
        """The request target, rebuilt from the path where the server keeps no raw one."""
        if self._uri is not None:
            return self._uri
        raw: bytes = b"" if self._scope is None else self._scope.get("raw_path") or b""
        text = raw.decode("latin-1")
        if not text:
            from urllib.parse import quote

            text = quote(self.root + self.path, safe=_SAFE)
        return f"{text}?{self.query_string}" if self.query_string and "?" not in text else text

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The parameters that Django found in the path; empty before routing."""
        match = self.django.resolver_match
        return {} if match is None else match.kwargs

    def read_body(self, limit: int) -> bytes:
        """The whole body. Django keeps it, so that views can read it too."""
        declared = str(self.environ.get("CONTENT_LENGTH") or "")
        length = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else None
        if length is not None and length > limit:
            raise BodyTooLarge
        try:
            body = self.django.body
        except RequestDataTooBig:
            raise BodyTooLarge from None
        except (RawPostDataException, UnreadablePostError):
            raise BodyIncomplete from None
        if len(body) > limit:
            raise BodyTooLarge
        if length is not None and len(body) < length:
            raise BodyIncomplete
        return body
