"""Commands of ``authmw users`` for all that is kept about a user: show, delete, rename and export it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import click

from authmw.cli.options import database_option, redis_option
from authmw.cli.output import json_option, listed, printable, show
from authmw.cli.progress import progress
from authmw.cli.revocation import browser_sessions_of, end_user, pending_of, sessions_of
from authmw.cli.stores import Database, Place, existing, open_stores, redis_stores
from authmw.cli.user_output import described, show_change, shown_email, status
from authmw.stores import personal_data
from authmw.stores.administration import NotFound
from authmw.stores.records import User


@click.command("show")
@click.argument("username")
@database_option
@redis_option
@json_option
def show_user(username: str, database: str, redis: str | None, as_json: bool) -> None:
    """Show what is known of USERNAME: status, address, scopes, and how many keys, tokens and sessions there are."""
    stores, others = open_stores(database), redis_stores(redis)
    user = existing(stores.users, username)
    document = _export(stores, others, user)
    counts = _counts(document)
    kept: dict[str, Any] = document["user"]
    realms = sorted({each["realm"] for each in kept["digest_realms"]})
    lines = {
        "id": user.id,
        "status": status(user),
        "e-mail": shown_email(user),
        "scopes": listed(user.scopes),
        "created": kept["created_at"] or "-",
        "Digest": listed(realms) if realms else "-",
        **{words: str(counts[name]) for name, words in _COUNTED.items()},
    }
    width = max(map(len, lines))
    text = "\n".join(f"{name.ljust(width)}  {printable(value)}" for name, value in lines.items())
    more = {"created_at": kept["created_at"], "digest_realms": realms, **counts}
    show({**described(user), **more}, f"{click.style(printable(user.username), bold=True)}\n{text}", as_json=as_json)


@click.command()
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask whether to delete.")
@database_option
@redis_option
@json_option
def delete(*, username: str, yes: bool, database: str, redis: str | None, as_json: bool) -> None:
    """Delete USERNAME, with all keys, tokens and sessions. Everything that was issued is refused from now on.

    It cannot be undone. The id of the user is never given to another one. To refuse a user for a while, use disable.
    """
    stores, others = open_stores(database), redis_stores(redis)
    user = existing(stores.users, username)
    if not yes:
        _confirm(user, _counts(_export(stores, others, user)))
    if others:
        # Disabled first, so that no login begins while the others are written to. The user goes last: when the command
        # is interrupted, it can be run again.
        stores.users.disable(user.username)
        end_user(others, user.id)
    stores.users.delete(user.username)
    show_change(user, "deleted", as_json)


@click.command()
@click.argument("username")
@click.argument("new")
@database_option
@json_option
def rename(username: str, new: str, database: str, as_json: bool) -> None:
    """Give USERNAME the name NEW to log in with. The id stays, and with it all keys, tokens and sessions."""
    stores = open_stores(database).users
    realms = sorted({each["realm"] for each in stores.export(username)["user"]["digest_realms"]})
    user = stores.rename(username, new)
    show_change(user, f"renamed, and still has the id {printable(user.id)}", as_json)
    for realm in realms if user.username != username else ():
        click.echo(
            f"Digest for {realm!r} is off until there is a new password: "
            f"authmw users set-password {printable(user.username)} --digest-realm {realm!r}",
            err=True,
        )


@click.command()
@click.argument("usernames", metavar="[USERNAME]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Export every user.")
@database_option
@redis_option
@json_option
def export(*, usernames: tuple[str, ...], everybody: bool, database: str, redis: str | None, as_json: bool) -> None:
    """Print everything that is kept about USERNAME, without secrets: what a person may ask for.

    It is a JSON document; of several users, or with --all, one on each line. With --json it is one document in any
    case, with the member users.
    """
    if everybody is bool(usernames):
        raise click.UsageError("name users, or use --all")
    stores, others = open_stores(database), redis_stores(redis)
    # All names first: nothing is printed if one of them is wrong.
    found = stores.users.list() if everybody else [existing(stores.users, each) for each in usernames]
    documents = _exports(stores, others, found)
    if as_json:
        show({"users": [*documents]}, "", as_json=True)
    for document in documents:
        click.echo(json.dumps(document, indent=2 if len(usernames) == 1 else None))


def _exports(stores: Database, others: tuple[Place, ...], users: Sequence[User]) -> Iterator[dict[str, Any]]:
    """The document of each user, with the progress on standard error."""
    with progress("Exporting", len(users), shown=len(users) > 1 and not sys.stdout.isatty()) as show_progress:
        for done, user in enumerate(users, 1):
            with suppress(NotFound):  # deleted in the meantime
                yield _export(stores, others, user)
            show_progress(done)


_NEVER: Final = "9999"
_COUNTED: Final = {
    "api_keys": "API keys",
    "tokens": "tokens",
    "sessions": "sessions",
    "browser_sessions": "browser sessions",
}


def _export(stores: Database, others: Iterable[Place], user: User) -> dict[str, Any]:
    """The document of a user, with the logins and tokens of the other stores, and what is pending there."""
    document = stores.users.export(user.username)
    for place in others:
        document["sessions"] += [personal_data.session(each) for each in sessions_of([place], user.id)]
        document["browser_sessions"] += [
            personal_data.browser_session(each) for each in browser_sessions_of([place], user.id)
        ]
        document["pending"] += [personal_data.begun(each) for each in pending_of([place], user.id)]
        document["tokens"] += [personal_data.token(each) for each in place.tokens.list(user.id)]
    return document


def _counts(document: dict[str, Any]) -> dict[str, int]:
    """The number of keys, tokens and sessions that are good now."""
    now = personal_data.moment(time.time()) or ""
    return {
        name: sum(
            each.get("revoked_at") is None
            and each.get("ended_at") is None
            and all((each.get(end) or _NEVER) > now for end in ("expires_at", "idle_until"))
            for each in document[name]
        )
        for name in _COUNTED
    }


def _confirm(user: User, counts: dict[str, int]) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on whether to delete: use --yes")
    keys, sessions = counts["api_keys"], counts["sessions"] + counts["browser_sessions"]
    has = f"{keys} API {'key' if keys == 1 else 'keys'} and {sessions} {'session' if sessions == 1 else 'sessions'}"
    click.confirm(f"Delete {printable(user.username)}, with {has}?", abort=True, err=True)
