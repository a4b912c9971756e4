"""`ProblemCode`: what is wrong with a form that was sent, and its sentence in each language."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from authmw.pages.languages.texts import Texts
from authmw.pages.times import soon


class ProblemCode(Enum):
    """What is wrong with a form that was sent."""

    WRONG_CREDENTIALS = "wrong-credentials"
    """The user name or the password is wrong. Which of the two is told nobody (ASVS 5.0 6.3.8)."""
    THROTTLED = "throttled"
    """There were too many attempts."""
    FORM_EXPIRED = "form-expired"
    """The form token is too old, or belongs to another session."""
    FIELD_MISSING = "field-missing"
    """A field is empty."""
    PASSWORDS_DIFFER = "passwords-differ"
    """The new password was not repeated as it is."""
    PASSWORD_TOO_SHORT = "password-too-short"  # noqa: S105 - a code
    """The new password has too few characters."""
    PASSWORD_TOO_LONG = "password-too-long"  # noqa: S105 - a code
    """The new password has too many bytes."""
    PASSWORD_UNACCEPTABLE = "password-unacceptable"  # noqa: S105 - a code
    """The new password is known to be guessed, or contains what no password may contain."""
    OLD_PASSWORD_WRONG = "old-password-wrong"  # noqa: S105 - a code
    """The current password is wrong."""


def problem_sentence(code: ProblemCode, texts: Texts, *, retry_after: int | None = None, shortest: int = 0) -> str:
    """The sentence for a problem.

    Args:
        code: the problem.
        texts: of the language.
        retry_after: seconds after which an attempt may succeed, for THROTTLED; None if they are not known.
        shortest: the least number of characters of a password, for PASSWORD_TOO_SHORT.

    >>> from authmw.pages import ProblemCode, problem_sentence, texts_of
    >>> problem_sentence(ProblemCode.THROTTLED, texts_of("en"), retry_after=90)
    'There were too many attempts. Please try again in 2 minutes.'
    """
    match code:
        case ProblemCode.WRONG_CREDENTIALS:
            return texts.wrong_credentials
        case ProblemCode.THROTTLED:
            return throttled(texts, retry_after)
        case ProblemCode.FORM_EXPIRED:
            return texts.form_expired
        case ProblemCode.FIELD_MISSING:
            return texts.field_missing
        case ProblemCode.PASSWORDS_DIFFER:
            return texts.passwords_differ
        case ProblemCode.PASSWORD_TOO_SHORT:
            return texts.password_too_short.replace("{n}", str(shortest))
        case ProblemCode.PASSWORD_TOO_LONG:
            return texts.password_too_long
        case ProblemCode.PASSWORD_UNACCEPTABLE:
            return texts.password_unacceptable
        case ProblemCode.OLD_PASSWORD_WRONG:
            return texts.wrong_password
        case _:
            assert_never(code)


def throttled(texts: Texts, retry_after: int | None) -> str:
    """The sentence that asks to wait."""
    if retry_after is None:
        return texts.throttled_for_a_while
    return texts.throttled.replace("{time}", soon(retry_after, texts))
