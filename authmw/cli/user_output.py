"""Users as the commands print them."""

from __future__ import annotations

from authmw.cli.output import printable, show
from authmw.stores.records import User


def show_change(user: User, what: str, as_json: bool) -> None:
    """Print a user that was changed, and `what` was done, as ``created``."""
    show(described(user), f"{printable(user.username)}: {what}", as_json=as_json)


def status(user: User) -> str:
    """Whether the user can log in, in a word or two."""
    if user.disabled:
        return "disabled"
    return "active" if user.password_hash is not None else "no password"


def described(user: User) -> dict[str, object]:
    """The user as a document, without the password hash."""
    return {
        "id": user.id,
        "username": user.username,
        "scopes": sorted(user.scopes),
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
    }
