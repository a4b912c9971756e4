"""Check for tests: every route of an application is protected, except the named ones."""

from __future__ import annotations

from collections.abc import Iterable

from authmw.engine.routes.frameworks import routes_of
from authmw.engine.routes.route import Kind, Protection, Route
from authmw.errors import ConfigurationError
from authmw.identity.requirement import Access


def assert_all_protected(app: object, public: Iterable[str] = ()) -> None:
    """Fail unless exactly the routes in `public` can be called without credentials.

    It does not matter whether an open route was declared public or forgotten. So each public route is named twice:
    where it is declared, and here. The endpoints of a token service need no entry: they authenticate their clients.

    Args:
        app: a Flask, Starlette, FastAPI or Django application, or a middleware around it.
        public: the routes that may be open, as ``authmw routes`` lists them: ``GET /health``,
            ``GET /static/{filename}``, ``WEBSOCKET /live``, ``MOUNT /admin/*``. ``GET`` stands for ``HEAD`` too, and
            ``any /docs/`` for all methods of that path.

    Raises:
        AssertionError: a route is open and not in `public`; or an entry of `public` is protected, or is no route.
        ConfigurationError: `public` is a string, or authmw cannot list the routes of such an application.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw import public as open_to_all
    >>> from authmw_flask import FlaskAuth
    >>> from flask import Flask
    >>> app = Flask("shop", static_folder=None)
    >>> _ = FlaskAuth(app, Auth(HTTPBearer()))
    >>> app.add_url_rule("/health", view_func=open_to_all(lambda: "up"))
    >>> assert_all_protected(app, public={"GET /health"})
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    if isinstance(public, str):
        raise ConfigurationError(f'public={public!r} has to be a set: write public={{"{public}"}}')
    routes = routes_of(app)
    allowed = dict.fromkeys(label for name in public for label in _labels_of(name, routes))
    opened = {route.label: route for route in routes if _needs_no_credentials(route)}
    wrong = [
        _too_open(route) for label, route in opened.items() if label not in allowed and not _authenticates_itself(route)
    ]
    for label in allowed:
        if all(route.label != label for route in routes):
            wrong.append(f"{label} is in public=, but there is no such route: remove it, or see `authmw routes`")
        elif label not in opened:
            wrong.append(f"{label} is in public=, but it is protected: remove it")
    if wrong:
        raise AssertionError("\n".join(wrong))


def _labels_of(name: str, routes: Iterable[Route]) -> list[str]:
    """The labels that an entry of `public` stands for: itself, or those of all methods of a path."""
    method, _, path = name.partition(" ")
    if method != "any":
        return [name]
    return [route.label for route in routes if route.kind is Kind.HTTP and route.path == path] or [name]


def _needs_no_credentials(route: Route) -> bool:
    return route.is_open or route.protection in (Protection.PUBLIC, Protection.LEFT_ALONE)


def _authenticates_itself(route: Route) -> bool:
    """Whether it is an endpoint of a token service, which reads the credentials of its clients."""
    return route.requirement.access is Access.OWN_CREDENTIALS


def _too_open(route: Route) -> str:
    place = f" ({route.place})" if route.place else ""
    if route.is_open:
        return f"{route.label}{place} is open: {route.fix}"
    what = "what is mounted" if route.kind is Kind.MOUNT else "it"
    return f"{route.label}{place} is public: if anyone may call {what}, add it to public= here"
