"""Flask views that serve the documents and services of authmw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Flask, Response, request

from authmw.http.mountable import NOT_FOUND, Mountable
from authmw.http.request import WSGIRequest
from authmw.wsgi.mount import Mount

# The mounted object answers every method itself, the same as under any other server.
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

View = Callable[..., Response]


def mounted_view(served: Mountable) -> View:
    """A view that responds as `served` does. It passes on the path parameters of its rule."""
    mount = Mount(served)

    def view(**path_params: object) -> Response:
        request.environ["authmw.path_params"] = path_params
        answer = mount.respond(WSGIRequest(request.environ)) or NOT_FOUND
        response = Response(answer.content_for(request.method), answer.status_line, list(answer.headers))
        if all(name.lower() != "content-type" for name, _ in answer.headers):
            del response.headers["Content-Type"]  # Flask adds it to a response that has none
        return response

    return view


def add_view(target: Flask | Blueprint, rule: str, name: str, view: View) -> None:
    """Register `view` at `rule` for all methods."""
    target.add_url_rule(rule, name, view, methods=_METHODS, provide_automatic_options=False)


def put_first(functions: list[Any]) -> None:
    """Make Flask call the function that was added last before all others."""
    functions.insert(0, functions.pop())
