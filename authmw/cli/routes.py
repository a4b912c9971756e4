"""Command ``authmw routes``: every route of an application, with what protects it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final

import click

from authmw.cli.application import NoApplication, application_argument, load
from authmw.cli.output import json_option, printable, show, table
from authmw.engine.routes.frameworks import routes_of
from authmw.engine.routes.route import Route, needs
from authmw.errors import ConfigurationError

_TITLES = ["METHOD", "PATH", "NEEDS", "PROTECTION", "ENDPOINT", "PLACE"]

_MANY_METHODS: Final = 6
"""From this many methods of one path on, the table says ``any``."""


@click.command()
@application_argument
@click.option("--check", is_flag=True, help="Exit with 1 when a route is open without being declared public.")
@json_option
def routes(*, application: str | None, check: bool, as_json: bool) -> None:
    """List every route of MODULE:APP, with what it needs and what protects it.

    Name an application as shop:app, or a factory as shop:create_app(). Under the command flask it may be left out.
    """
    app = load(application)
    try:
        found = routes_of(app)
    except ConfigurationError as error:
        raise NoApplication(str(error)) from None
    opened = [route for route in found if route.is_open]
    show({"routes": [_described(route) for route in found]}, table(_TITLES, _rows(found)), as_json=as_json)
    if opened:
        _report(opened)
        if check:
            sys.exit(1)


def _rows(routes: Iterable[Route]) -> Iterator[list[str]]:
    """A row for each route. The methods of one path that are protected alike share a row."""
    for _, group in groupby(routes, lambda route: replace(route, method="")):
        first, *others = group
        marked = first.protection.value.upper() if first.is_open else first.protection.value
        methods = [each.method for each in (first, *others)]
        method = "any" if len(methods) >= _MANY_METHODS else ",".join(filter(None, methods)) or first.kind.name
        yield [method, first.path, _needs(first), marked, first.name or "-", first.place or "-"]


def _needs(route: Route) -> str:
    return "-" if route.is_open else needs(route.requirement)


def _report(opened: Iterable[Route]) -> None:
    """Print a sentence for each open route on standard error."""
    for route in opened:
        place = f" ({route.place})" if route.place else ""
        click.echo(printable(f"{route.label}{place}: {route.fix}."), err=True)


def _described(route: Route) -> dict[str, object]:
    return {
        "method": route.method,
        "path": route.path,
        "kind": route.kind.value,
        "needs": _needs(route),
        "scopes": [] if route.is_open else list(route.requirement.all_scopes),
        "protection": route.protection.value,
        "endpoint": route.name,
        "place": route.place,
        "open": route.is_open,
    }
