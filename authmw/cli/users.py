"""Commands of ``authmw users``: create and change users, with their passwords, scopes and addresses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, TextIO, cast, get_args

import click

from authmw.cli.options import database_option, no_scopes_option, redis_option, replacing, scope_option
from authmw.cli.output import json_option, listed, printable, show, table
from authmw.cli.progress import progress
from authmw.cli.revocation import end_user, forget_pending
from authmw.cli.secret_input import password_stdin_option, read_password
from authmw.cli.stores import existing, open_stores, redis_stores
from authmw.cli.user_output import described, show_change, shown_email, status
from authmw.cli.user_records import delete, export, rename, show_user
from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError
from authmw.flow.flow import run
from authmw.stores.administration import AlreadyExists
from authmw.stores.new_records import DIGEST_ALGORITHMS, checked_email, checked_username, make_user
from authmw.verifiers.accounts import FAMILIAR_FOR, made_familiar

_digest_option = click.option("--digest-realm", metavar="REALM", help="Also let the user log in by Digest in REALM.")
_algorithm_option = click.option(
    "--digest-algorithm",
    "algorithms",
    type=click.Choice(get_args(DigestAlgorithm)),
    multiple=True,
    default=DIGEST_ALGORITHMS,
    show_default=True,
    help="Store what Digest needs for this algorithm; may be repeated. Name all that DigestVerifier offers.",
)
_verified_option = click.option(
    "--email-verified", is_flag=True, help="The address is known to belong to the user: no link has to prove it."
)
_MOST_MISTAKES: Final = 20


@click.group()
def users() -> None:
    """Users, with their passwords and scopes."""


@users.command()
@click.argument("username")
@scope_option
@password_stdin_option
@click.option("--no-password", is_flag=True, help="The user gets tokens and API keys, but cannot log in.")
@click.option("--email", metavar="ADDRESS", default="", help="Where the user gets mail, as a link to a new password.")
@_verified_option
@_digest_option
@_algorithm_option
@database_option
@json_option
def create(
    *,
    username: str,
    scopes: tuple[str, ...],
    from_stdin: bool,
    no_password: bool,
    email: str,
    email_verified: bool,
    digest_realm: str | None,
    algorithms: tuple[DigestAlgorithm, ...],
    database: str,
    as_json: bool,
) -> None:
    """Create the user USERNAME. Asks for the password."""
    if no_password and (from_stdin or digest_realm is not None):
        raise click.UsageError("--no-password goes with neither --password-stdin nor --digest-realm")
    if email_verified and not email:
        raise click.UsageError("--email-verified goes with --email")
    checked_email(email)
    password = None if no_password else read_password(from_stdin=from_stdin)
    store = open_stores(database, create=True, digest_algorithms=algorithms).users
    user = store.create(
        username, password, scopes=scopes, digest_realm=digest_realm, email=email, email_verified=email_verified
    )
    show_change(user, "created", as_json)


@users.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@database_option
@json_option
def import_users(file: TextIO, database: str, as_json: bool) -> None:
    """Create the users of FILE, with the password hashes that they have; "-" is standard input.

    Each line is a JSON object: username, password_hash, and if needed id, scopes (a list), attributes (an object),
    email, email_verified and disabled. All lines are checked before the first user is created. Users who exist already
    are left as they are.
    """
    rows = _read_rows(file)
    store = open_stores(database, create=True).users
    created, existed = 0, 0
    with progress("Importing", len(rows), shown=not as_json) as show_progress:
        for row in rows:
            show_progress(created + existed)
            try:
                store.create(row.username, **row.options)
            except AlreadyExists:
                existed += 1
                continue
            if row.disabled:
                store.disable(row.username)
            created += 1
    show({"created": created, "existed": existed}, f"{created} created, {existed} existed already", as_json=as_json)


class _Row(NamedTuple):
    username: str
    options: dict[str, Any]
    disabled: bool


def _read_rows(lines: Iterable[str]) -> list[_Row]:
    """The users of a file. Raises `ConfigurationError` with the mistakes of all its lines."""
    rows: list[_Row] = []
    seen: dict[str, int] = {}
    mistakes: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(line)
        except ConfigurationError as error:
            mistakes += [f"line {number}: {mistake}" for mistake in error.mistakes]
            continue
        name = checked_username(row.username)
        if name in seen:
            mistakes.append(f"line {number}: {name!r} is in line {seen[name]} already")
        seen.setdefault(name, number)
        rows.append(row)
    if len(mistakes) > _MOST_MISTAKES:
        mistakes[_MOST_MISTAKES:] = [f"{len(mistakes) - _MOST_MISTAKES} more mistakes"]
    if mistakes:
        raise ConfigurationError(*mistakes)
    return rows


def _row(line: str) -> _Row:
    try:
        members: object = json.loads(line)
    except (ValueError, RecursionError):
        raise ConfigurationError("this is no JSON") from None
    if not isinstance(members, dict):
        raise ConfigurationError("this is no JSON object")
    found = cast("dict[str, object]", members)
    wrong = [name for name, value in found.items() if not isinstance(value, _MEMBERS.get(name, ()))]
    if wrong or "username" not in found or "password_hash" not in found:
        raise ConfigurationError(
            "a user has username and password_hash (text), and may have id (text), scopes (a list of text), attributes "
            "(an object), email (text), email_verified and disabled (true or false)"
            f"{f', and not {wrong[0]!r} as here' if wrong else ''}"
        )
    options: dict[str, Any] = {name: found[name] for name in found if name not in ("username", "disabled")}
    username = cast("str", found["username"])
    scopes: list[object] = options.get("scopes", [])
    if not all(isinstance(scope, str) for scope in scopes):
        raise ConfigurationError("scopes is a list of text")
    make_user(
        username,
        None,
        None,
        id=options.get("id"),
        scopes=cast("list[str]", scopes),
        attributes=options.get("attributes", {}),
        password_hash=options["password_hash"],
        email=options.get("email", ""),
    )
    return _Row(username, options, found.get("disabled") is True)


_MEMBERS: Final[dict[str, type]] = {
    "username": str,
    "password_hash": str,
    "id": str,
    "scopes": list,
    "attributes": dict,
    "email": str,
    "email_verified": bool,
    "disabled": bool,
}


@users.command("list")
@database_option
@json_option
def list_users(database: str, as_json: bool) -> None:
    """List every user, by name."""
    found = open_stores(database).users.list()
    show(
        {"users": [described(user) for user in found]},
        table(
            ["USERNAME", "STATUS", "SCOPES", "E-MAIL"],
            [[user.username, status(user), listed(user.scopes), shown_email(user)] for user in found],
        ),
        as_json=as_json,
    )


@users.command()
@click.argument("username")
@database_option
@redis_option
@json_option
def disable(username: str, database: str, redis: str | None, as_json: bool) -> None:
    """Refuse the password, API keys and tokens of USERNAME from now on, and end every session of the user."""
    others = redis_stores(redis)
    user = open_stores(database).users.disable(username)
    end_user(others, user.id)
    show_change(user, "disabled", as_json)


@users.command()
@click.argument("username")
@database_option
@json_option
def enable(username: str, database: str, as_json: bool) -> None:
    """Let USERNAME log in again. Earlier tokens and sessions stay refused."""
    show_change(open_stores(database).users.enable(username), "enabled", as_json)


@users.command("set-password")
@click.argument("username")
@password_stdin_option
@_digest_option
@_algorithm_option
@database_option
@redis_option
@json_option
def set_password(
    *,
    username: str,
    from_stdin: bool,
    digest_realm: str | None,
    algorithms: tuple[DigestAlgorithm, ...],
    database: str,
    redis: str | None,
    as_json: bool,
) -> None:
    """Replace the password of USERNAME. Asks for the new one.

    Every session of the user ends, and every token is refused: an attacker with the old password may have them.
    """
    store, others = open_stores(database, digest_algorithms=algorithms).users, redis_stores(redis)
    existing(store, username)
    password = read_password(from_stdin=from_stdin)
    user = store.set_password(username, password, digest_realm=digest_realm)
    end_user(others, user.id)
    show_change(user, "has a new password", as_json)


@users.command("set-scopes")
@click.argument("username")
@scope_option
@no_scopes_option
@database_option
@json_option
def set_scopes(username: str, scopes: tuple[str, ...], no_scopes: bool, database: str, as_json: bool) -> None:
    """Replace the scopes of USERNAME by the given ones. Existing API keys and tokens keep their scopes."""
    scopes = replacing(scopes, no_scopes=no_scopes)
    user = open_stores(database).users.set_scopes(username, scopes)
    show_change(user, f"has the scopes {listed(user.scopes)}" if user.scopes else "has no scopes", as_json)


@users.command("set-email")
@click.argument("username")
@click.argument("address", required=False)
@_verified_option
@click.option("--none", "no_address", is_flag=True, help="Take the address away.")
@database_option
@redis_option
@json_option
def set_email(
    *,
    username: str,
    address: str | None,
    email_verified: bool,
    no_address: bool,
    database: str,
    redis: str | None,
    as_json: bool,
) -> None:
    """Replace the e-mail address of USERNAME by ADDRESS.

    Links in mails go there from now on. Those that were sent to the old address are worth nothing any more.
    """
    if no_address is bool(address) or (no_address and email_verified):
        raise click.UsageError("give an address, as alice@shop.example, or --none to take it away")
    others = redis_stores(redis)
    user = open_stores(database).users.set_email(username, address or "", verified=email_verified)
    forget_pending(others, user.id)
    show_change(user, f"has the address {printable(shown_email(user))}" if user.email else "has no address", as_json)


@users.command("let-in")
@click.argument("username")
@click.argument("address")
@database_option
@redis_option
@json_option
def let_in(*, username: str, address: str, database: str, redis: str | None, as_json: bool) -> None:
    """Let USERNAME log in from ADDRESS for 30 days without waiting for others who guess the password.

    ADDRESS is the IP address of the user as the server sees it. The password is still needed. A user who made too many
    attempts from there has to wait, for a quarter of an hour at most.
    """
    try:
        ip_address(address)
    except ValueError:
        raise click.BadParameter(f"{address!r} is no IP address", param_hint="ADDRESS") from None
    stores, others = open_stores(database), redis_stores(redis)
    user = existing(stores.users, username)
    until = time.time() + FAMILIAR_FOR
    for place in (stores, *others):
        run(made_familiar(place.throttle, user.username, address, until))
    show_change(user, f"can log in from {address}", as_json)


for _command in (show_user, delete, rename, export):
    users.add_command(_command)
