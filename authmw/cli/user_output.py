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


def shown_email(user: User) -> str:
    """The address of the user, and whether it is verified, in words."""
    if not user.email:
        return "-"
    return user.email if user.email_verified else f"{user.email} (not verified)"


def described(user: User) -> dict[str, object]:
    """The user as a document, without the password hash."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "scopes": sorted(user.scopes),
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
    }
