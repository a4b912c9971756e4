"""Assertion for tests: a response is a refusal of authmw, for the reason that the test expects."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, cast

from authmw.http.reasons import Reason

_STATUSES = (401, 403)


def assert_refused(
    response: Any, *, scope: str | Collection[str] | None = None, status: int | None = None, code: str | None = None
) -> None:
    """Fail unless authmw refused the request with this response.

    Args:
        response: of a test client of Flask, Werkzeug, Starlette, FastAPI or Django, of httpx, httpx2 or requests.
        scope: the scopes that the caller needs, all or some: then the response is a 403, or of `status`.
        status: the status; by default 401 or 403.
        code: the code in the body, which is that for the client: ``authmw.token-expired``.

    Raises:
        AssertionError: the request was served, the application refused it itself, or the reason is another one.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw.wsgi import AuthMiddleware
    >>> from werkzeug.test import Client
    >>> client = Client(AuthMiddleware(lambda environ, start_response: [], Auth(HTTPBearer({}.get))))
    >>> assert_refused(client.get("/orders"), status=401, code="authmw.credentials-missing")
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    found: int = response.status_code
    problem = _problem(response)
    expected = (status,) if status is not None else _STATUSES if scope is None else (403,)
    got = f"{found} {problem.get('code', '')}".strip()
    if found not in expected:
        raise AssertionError(f"expected a refusal with {' or '.join(map(str, expected))}, and the response is {got}")
    if status is None and not problem and "WWW-Authenticate" not in response.headers:
        raise AssertionError(
            f"the response is {got} of the application, and not of authmw: if authmw made it with render=, say "
            f"status={found}"
        )
    if code is not None and code != problem.get("code"):
        raise AssertionError(f"expected {code}, and the response is {got}{_public_code(code)}")
    if scope is not None:
        _check_scopes({scope} if isinstance(scope, str) else set(scope), problem, got)


def _check_scopes(expected: set[str], problem: dict[str, Any], got: str) -> None:
    __tracebackhide__ = True
    needed = str(problem.get("scope", "")).split()
    if missing := sorted({each for scope in expected for each in scope.split()} - {*needed}):
        names = " ".join(needed) or "no scope"
        raise AssertionError(f"expected a need of {' '.join(missing)}, and the response is {got}, and names {names}")


def _public_code(code: str) -> str:
    """The hint for a code that only the log has."""
    public = next((reason.public_code for reason in Reason if reason.code == code), code)
    return "" if public == code else f": {code} is for the log, and its client gets {public}"


def _problem(response: Any) -> dict[str, Any]:
    """The members of the problem document of authmw; empty for any other body."""
    body = response.data if hasattr(response, "get_data") else response.content
    try:
        members: Any = json.loads(body)
    except ValueError:
        return {}
    problem = cast("dict[str, Any]", members) if isinstance(members, dict) else {}
    return problem if str(problem.get("code", "")).startswith("authmw.") else {}
