"""Command ``authmw explain``: the page of a refusal code, or what would be decided about a request."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

import click

from authmw.cli.application import NoApplication, load
from authmw.cli.explain.caller import caller
from authmw.cli.explain.pages import page_of, plain
from authmw.cli.options import database_option, scope_option
from authmw.cli.output import json_option, listed, printable, show, table
from authmw.engine import audit
from authmw.engine.routes.doors import Asked
from authmw.engine.routes.explained import Explained, Rule, explained
from authmw.engine.routes.route import needs
from authmw.errors import ConfigurationError
from authmw.identity.principal import Principal

_MET = {True: "met", False: "NOT MET", None: "?"}


@click.command()
@click.argument("what", metavar="CODE | [MODULE:APP] REQUEST", nargs=-1, required=True)
@click.option("--user", "username", metavar="NAME", help="The caller, with the scopes in the application's own store.")
@scope_option
@click.option("--host", default="localhost", show_default=True, help="The Host of the request.")
@database_option
@json_option
def explain(
    *,
    what: tuple[str, ...],
    username: str | None,
    scopes: tuple[str, ...],
    host: str,
    database: str,
    as_json: bool,
) -> None:
    """Say what a refusal code means, or what would be decided about a request.

    \b
    authmw explain authmw.token-expired
    authmw explain shop:app "GET /orders/7" --user alice
    authmw explain shop:app "GET /orders/7" --scope orders:read
    authmw explain shop:app "GET /orders/7"          (without credentials)

    CODE is the code of the log, or the one that a client got. Of a request it is said by which rule it would be let in
    or refused. The application's own guard is asked; no view runs. Under the command flask, MODULE:APP may be left out.
    Exit code 1: the request would be refused.
    """
    if len(what) == 1 and " " not in what[0].strip():
        _explain_code(what[0], as_json=as_json)
        return
    if len(what) > 2:
        raise click.UsageError('put the request in quotes: authmw explain shop:app "GET /orders"')
    _explain_request(what, username, scopes, host, database, as_json=as_json)


def _explain_code(code: str, *, as_json: bool) -> None:
    if ":" in code and "/" not in code:
        raise click.UsageError(f'name a request of the application too: authmw explain {code} "GET /orders"')
    try:
        page = page_of(code)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    text = plain(page)
    show({"code": text.partition("\n")[0], "page": page}, text, as_json=as_json)


def _explain_request(
    what: tuple[str, ...], username: str | None, scopes: tuple[str, ...], host: str, database: str, *, as_json: bool
) -> None:
    try:
        asked = Asked.parse(what[-1], host)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    app = load(what[0] if len(what) > 1 else None)
    try:
        principal = caller(app, username, scopes, database)
        with _without_audit():
            found = explained(app, asked, principal)
    except ConfigurationError as error:
        raise NoApplication(str(error)) from None
    request = f"{asked.method} {asked.raw_path}"
    show(_document(request, principal, found), _text(request, principal, found), as_json=as_json)
    if found.is_allowed is False:
        sys.exit(1)


@contextmanager
def _without_audit() -> Generator[None]:
    """No request was refused: nothing of this belongs in the audit log."""
    before, audit.logger.disabled = audit.logger.disabled, True
    try:
        yield
    finally:
        audit.logger.disabled = before


def _text(request: str, principal: Principal | None, found: Explained) -> str:
    who = "without credentials" if principal is None else f"as {principal.display_name} ({listed(principal.scopes)})"
    lines = [printable(f"{request} {who}: {_outcome(found)}")]
    rows = [[_MET[rule.is_met], rule.source, needs(rule.needed)] for rule in found.rules]
    lines += [table(["", "RULE", "NEEDS"], rows)] if rows else []
    if found.refusal is not None and found.refusal.missing:
        lines.append(f"Missing: {' '.join(found.refusal.missing)}")
    lines += [printable(f"Note: {note}.") for note in found.notes]
    if found.refusal is not None:
        lines.append(f"What to do: authmw explain {found.refusal.reason.code}")
    return "\n".join(lines)


def _outcome(found: Explained) -> str:
    if found.refusal is not None:
        return f"refused with {found.refusal.status}, {found.refusal.reason.code}"
    return {True: "allowed", False: "not handed on", None: "cannot be told"}[found.is_allowed]


def _document(request: str, principal: Principal | None, found: Explained) -> dict[str, object]:
    refusal = found.refusal
    return {
        "request": request,
        "caller": None if principal is None else {"id": principal.id, "scopes": sorted(principal.scopes)},
        "allowed": found.is_allowed,
        "status": None if refusal is None else refusal.status,
        "code": None if refusal is None else refusal.reason.code,
        "missing": [] if refusal is None else list(refusal.missing),
        "rules": [_described(rule) for rule in found.rules],
        "notes": list(found.notes),
    }


def _described(rule: Rule) -> dict[str, object]:
    return {"rule": rule.source, "needs": needs(rule.needed), "met": rule.is_met}
