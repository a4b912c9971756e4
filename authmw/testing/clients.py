"""Clients of test callers: a client of the same application, whose requests say in a header whose they are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar, cast

from authmw.errors import ConfigurationError

HEADER: Final = "authmw-test-caller"
"""The header with the token of a caller. Only the test that made the token knows it."""

_ENVIRON: Final = "HTTP_AUTHMW_TEST_CALLER"

C = TypeVar("C")


def client_of(token: str, client: C) -> C:
    """A client of the caller with `token`, for the same application as `client`.

    Raises:
        ConfigurationError: it is a client of a kind that is not known.
    """
    for origin, make in _KINDS.items():
        if origin in {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(client).__mro__}:
            return cast("C", make(token, client))
    raise ConfigurationError(
        f"through() takes a test client of Flask, Werkzeug, Starlette, FastAPI or Django, or one of httpx, not "
        f"{client!r}: for another one, write `with as_user(...):` around its requests"
    )


def _of_flask(token: str, client: Any) -> Any:
    made = client.application.test_client()
    made.environ_base = {**_without_credentials(client.environ_base), _ENVIRON: token}
    return made


def _of_werkzeug(token: str, client: Any) -> Any:
    application = client.application

    def as_caller(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = application({**_without_credentials(environ), _ENVIRON: token}, start_response)
        return answer

    return type(client)(as_caller, client.response_wrapper)


def _of_httpx(token: str, client: Any) -> Any:
    made = copy.copy(client)  # with the same transport, and the same portal of a TestClient that is entered
    made.headers = {**_without_credentials(client.headers), HEADER: token}
    made.cookies = None
    made.auth = None
    return made


def _of_django(token: str, client: Any) -> Any:
    made = copy.copy(client)
    made.defaults = {**_without_credentials(client.defaults), _ENVIRON: token}
    made.cookies = type(client.cookies)()
    return made


def _of_django_async(token: str, client: Any) -> Any:
    made = _of_django(token, client)
    del made.defaults[_ENVIRON]
    made.generic = partial(made.generic, **{HEADER: token})  # Django before 5.2 sends no default headers
    return made


def _without_credentials(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower().removeprefix("http_") not in ("authorization", "cookie")
    }


_KINDS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "flask.FlaskClient": _of_flask,
    "werkzeug.Client": _of_werkzeug,
    "httpx.Client": _of_httpx,
    "httpx.AsyncClient": _of_httpx,
    "httpx2.Client": _of_httpx,
    "httpx2.AsyncClient": _of_httpx,
    "django.AsyncClient": _of_django_async,
    "django.Client": _of_django,
}
"""The class of a client, with the package that defines it → what makes a client of a caller."""
