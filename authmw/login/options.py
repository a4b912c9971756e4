"""Options of the login pages, for `LocalAuth`, which has the session and the stores itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from authmw.errors import explains_arguments
from authmw.login.lifetimes import SessionLifetimes
from authmw.login.mail import SendMail
from authmw.login.passwords import PasswordPolicy
from authmw.login.steps import LoginStep
from authmw.pages import Look, Template


@explains_arguments("LoginOptions(send_mail=...)")
@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOptions:
    """Options of the login pages: ``LocalAuth(app, pages=LoginOptions(look=Look("Shop"), send_mail=send))``.

    `LoginPages` says what each of them is.

    >>> LoginOptions(home="/orders").home
    '/orders'
    """

    send_mail: SendMail | None = None
    home: str = "/"
    look: Look | None = None
    template: Template | None = None
    languages: Collection[str] = ()
    lifetimes: SessionLifetimes | None = None
    steps: Iterable[LoginStep] = ()
    remember_me: bool = True
    shortest_password: int = 8
    password_policy: PasswordPolicy | None = None
