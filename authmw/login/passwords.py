"""New passwords: what is refused before anything is hashed (ASVS 6.2.1, 6.2.9; NIST SP 800-63B §3.1.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from authmw.crypto.passwords import MAX_PASSWORD_BYTES, prepared
from authmw.http.form import Form
from authmw.pages.problems import ProblemCode

PasswordPolicy: TypeAlias = Callable[[str, str], bool]
"""A function of the application: user name, new password → whether the password may be used, as not in a list."""


def new_password_in(
    form: Form, username: str, shortest: int, policy: PasswordPolicy | None
) -> tuple[str, ProblemCode | None]:
    """The new password in a form that asks for it twice, and what is wrong with it.

    Args:
        form: the form.
        username: the name of the user, which is no password.
        shortest: the least number of characters.
        policy: a further check of the application.
    """
    new, again = form.get("new_password"), form.get("new_password_again")
    if new is None or again is None:
        return "", ProblemCode.FIELD_MISSING
    if new != again:
        return "", ProblemCode.PASSWORDS_DIFFER
    if len(new) < shortest:
        return "", ProblemCode.PASSWORD_TOO_SHORT
    if prepared(new) is None:
        too_long = len(new.encode("utf-8", "replace")) > MAX_PASSWORD_BYTES
        return "", ProblemCode.PASSWORD_TOO_LONG if too_long else ProblemCode.PASSWORD_UNACCEPTABLE
    if new.casefold() == username.casefold() or (policy is not None and policy(username, new) is not True):
        return "", ProblemCode.PASSWORD_UNACCEPTABLE
    return new, None
