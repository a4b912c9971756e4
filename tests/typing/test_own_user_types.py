"""`current_user` and FastAPI's `CurrentUser` have the type of the class that is asked for.

The type checkers run over this file too: a wrong ``assert_type`` fails ``make check``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_type

from authmw_fastapi import CurrentUser
from authmw_flask import current_user as flask_user
from authmw_starlette import current_user as starlette_user
from authmw_starlette import current_user_async as starlette_user_async

from authmw import Auth, HTTPBearer, Principal, current_user, current_user_async


@dataclass
class Account:
    email: str


def load_account(principal: Principal) -> Account | None:
    return Account(f"{principal.id}@example.org")


async def load_later(principal: Principal) -> Account | None:
    return load_account(principal)


async def endpoint(account: CurrentUser[Account], email: CurrentUser[str]) -> None:
    """Read by the type checkers only."""
    assert_type(account, Account)
    assert_type(account.email, str)
    assert_type(email, str)
    assert_type(await current_user_async(Account), Account)
    assert_type(await starlette_user_async(Account), Account)


def view() -> None:
    """Read by the type checkers only."""
    assert_type(current_user(Account), Account)
    assert_type(current_user(Account).email, str)
    assert_type(starlette_user(Account), Account)
    assert_type(flask_user(Account), Account)
    assert_type(flask_user(), Principal)
    assert_type(flask_user.id, str)
    # A mistake in a view is found: without the error, the type checkers would call the comment superfluous.
    current_user(Account).phone  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018


def test_a_loader_of_either_kind_has_the_right_type() -> None:
    assert [Auth(HTTPBearer(), load_user=each).load_user for each in (load_account, load_later)] == [
        load_account,
        load_later,
    ]
