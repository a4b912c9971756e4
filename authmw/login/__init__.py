"""People: browser sessions that begin, are renewed and end, login pages, forgotten passwords, verified addresses."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.login.lifetimes import SessionLifetimes
    from authmw.login.mail import Mail, SendMail
    from authmw.login.options import LoginOptions
    from authmw.login.passwords import PasswordPolicy
    from authmw.login.service import LoginPages
    from authmw.login.steps import LoginStep

__all__ = ["LoginOptions", "LoginPages", "LoginStep", "Mail", "PasswordPolicy", "SendMail", "SessionLifetimes"]

_HOMES = {
    "login.lifetimes": "SessionLifetimes",
    "login.mail": "Mail SendMail",
    "login.options": "LoginOptions",
    "login.passwords": "PasswordPolicy",
    "login.service": "LoginPages",
    "login.steps": "LoginStep",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
