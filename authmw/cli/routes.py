"""Command ``authmw routes``: every route of an application, with what protects it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from authmw.cli.application import NoApplication, load
from authmw.cli.options import application_argument
from authmw.cli.output import json_option, printable, show, table
from authmw.engine.routes.frameworks import misspelt_scopes, mistaken_patterns, routes_of
from authmw.engine.routes.lock.comparison import Change, Direction, changes
from authmw.engine.routes.lock.lock import Lock
from authmw.engine.routes.route import Route, needs
from authmw.errors import ConfigurationError

_TITLES = ["METHOD", "PATH", "NEEDS", "PROTECTION", "ENDPOINT", "PLACE"]

_MANY_METHODS: Final = 6
"""From this many methods of one path on, the table says ``any``."""


@click.command()
@application_argument
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 1 when a route is open without being declared public, or a pattern or a scope is wrong.",
)
@click.option(
    "--lock",
    "lock_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what protects each route to this file. With --check: exit with 1 when access is looser than in it.",
)
@json_option
def routes(*, application: str | None, check: bool, lock_path: Path | None, as_json: bool) -> None:
    """List every route of MODULE:APP, with what it needs and what protects it.

    Name an application as shop:app, or a factory as shop:create_app(). Under the command flask it may be left out.

    Keep the file of --lock beside the code. A change of access is then a change of a line that a review shows, and
    --check --lock says where access got looser, where tighter, and what is new.
    """
    app = load(application)
    try:
        found = routes_of(app)
        lock = None if lock_path is None else Lock.of(app)
    except ConfigurationError as error:
        raise NoApplication(str(error)) from None
    differences = changes(_read(lock_path), lock) if lock_path is not None and lock is not None and check else None
    mistaken = [route for route in found if route.fix]
    patterns = [*mistaken_patterns(app, found), *misspelt_scopes(app, found)]
    document: dict[str, object] = {"routes": [_described(route) for route in found]}
    if differences is not None:
        document["changes"] = [_change(each) for each in differences]
    show(document, table(_TITLES, _rows(found)), as_json=as_json)
    _report(mistaken)
    for sentence in patterns:
        click.echo(printable(f"{sentence}."), err=True)
    if lock_path is not None:
        _compared(lock_path, differences) if differences is not None else _write(lock_path, lock)
    if check and (mistaken or patterns or _is_looser(differences)):
        sys.exit(1)


def _read(path: Path) -> Lock:
    try:
        return Lock.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        raise click.ClickException(f"there is no {path}: write it, by the same command without --check") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{path} is no lock: write it, by the same command without --check") from None


def _write(path: Path, lock: Lock | None) -> None:
    if lock is not None:
        path.write_text(lock.text(), "utf-8")
        click.echo(f"{path} has {len(lock.routes)} routes.", err=True)


def _compared(path: Path, differences: list[Change]) -> None:
    """Print on standard error how access differs from that in the lock."""
    for change in differences:
        click.echo(printable(f"{change}."), err=True)
    if differences:
        end = "If that is meant, write" if _is_looser(differences) else "Write"
        click.echo(f"{end} {path} again, by the same command without --check, and let a review see it.", err=True)


def _is_looser(differences: list[Change] | None) -> bool:
    return any(change.direction is Direction.LOOSER for change in differences or ())


def _change(change: Change) -> dict[str, object]:
    return {
        "direction": change.direction.value,
        "route": change.label,
        "before": change.before or None,
        "now": change.now or None,
        "why": change.why or None,
    }


def _rows(routes: Iterable[Route]) -> Iterator[list[str]]:
    """A row for each route. The methods of one path that are protected alike share a row."""
    for _, group in groupby(routes, lambda route: replace(route, method="")):
        first, *others = group
        marked = first.protection.value.upper() if first.fix else first.protection.value
        methods = [each.method for each in (first, *others)]
        method = "any" if len(methods) >= _MANY_METHODS else ",".join(filter(None, methods)) or first.kind.name
        yield [method, first.path, _needs(first), marked, first.name or "-", first.place or "-"]


def _needs(route: Route) -> str:
    return "-" if route.is_open else needs(route.requirement)


def _report(mistaken: Iterable[Route]) -> None:
    """Print on standard error how to mend each route that is open or contradicted."""
    for route in mistaken:
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
