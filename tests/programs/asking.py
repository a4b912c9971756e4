"""Requests to the program of a page, with a user's password or a token."""

from __future__ import annotations

from typing import Any

import requests

from tests.programs.program import PASSWORD

_SECONDS = 60


def ask(url: str, user: str = "", method: str = "GET", token: str = "", **more: Any) -> requests.Response:
    """The response to one request, whose path is sent as it is written.

    Args:
        url: host, path and query.
        user: who asks, by `PASSWORD`; nobody by default.
        method: in capitals.
        token: who asks, by a token.
        more: arguments of `requests.Request`.
    """
    headers = {**more.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    auth = (user, PASSWORD) if user else None
    with requests.Session() as session:
        session.trust_env = False  # neither ~/.netrc nor a proxy
        prepared = session.prepare_request(requests.Request(method, url, headers=headers, auth=auth, **more))
        prepared.url = url
        return session.send(prepared, timeout=_SECONDS, allow_redirects=False)


def statuses(url: str, *users: str, method: str = "GET", **more: Any) -> list[int]:
    """The status that each of `users` gets."""
    return [ask(url, user, method, **more).status_code for user in users]
