"""Mails to users, as plain text: a link for a new password, one to confirm an address, and a notice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from authmw.flow.durations import Seconds, seconds
from authmw.pages.escaping import visible
from authmw.pages.languages.english import ENGLISH
from authmw.pages.languages.texts import Texts
from authmw.pages.parts import cut
from authmw.pages.times import date_and_time, lasting

_LINK: Final = re.compile(r"https?://[!-~]+")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Mail:
    """The text of a mail.

    Args:
        subject: one line. It contains no line break, so that no header can be added by it (RFC 5322 §2.2).
        body: plain text, with ``\\n`` between lines.
    """

    subject: str
    body: str = field(repr=False)


def recovery_mail(*, name: str, username: str, link: str, lifetime: Seconds, texts: Texts = ENGLISH) -> Mail:
    """The mail with a link for a new password.

    Args:
        name: of the application, in front of the subject; empty for none.
        username: the name of the user.
        link: the URL of the page, with the token, below the public URL of the application.
        lifetime: seconds for which the link works, or a timedelta.
        texts: of the language.

    Raises:
        ValueError: `link` is no URL with http or https, or contains white space. The message does not repeat it.

    >>> from authmw.pages import recovery_mail
    >>> mail = recovery_mail(name="Shop", username="alice", link="https://shop.example/reset?t=1", lifetime=1800)
    >>> mail.subject, "for 30 minutes" in mail.body
    ('Shop: Choose a new password', True)
    """
    time = lasting(seconds(lifetime, "lifetime"), texts)
    return _mail(name, texts.recovery_subject, texts.recovery_body, username=_line(username), link=link, time=time)


def verification_mail(*, name: str, username: str, link: str, lifetime: Seconds, texts: Texts = ENGLISH) -> Mail:
    """The mail with a link that confirms the address it is sent to. Arguments and exceptions are those of
    `recovery_mail`.

    >>> from authmw.pages import texts_of, verification_mail
    >>> link = "https://shop.example/verify?t=1"
    >>> verification_mail(name="", username="alice", link=link, lifetime=86_400, texts=texts_of("de")).subject
    'E-Mail-Adresse bestätigen'
    """
    time = lasting(seconds(lifetime, "lifetime"), texts)
    subject, body = texts.verification_subject, texts.verification_body
    return _mail(name, subject, body, username=_line(username), link=link, time=time)


def password_changed_mail(*, name: str, username: str, link: str, at: float, texts: Texts = ENGLISH) -> Mail:
    """The notice that a password was changed, for the case that somebody else did it.

    Args:
        name: of the application, in front of the subject; empty for none.
        username: the name of the user.
        link: the URL of the page for a forgotten password, without a token.
        at: when it was changed, in seconds since the epoch.
        texts: of the language.

    Raises:
        ValueError: `link` is no URL with http or https, or contains white space. The message does not repeat it.

    >>> from authmw.pages import password_changed_mail
    >>> mail = password_changed_mail(name="Shop", username="alice", link="https://shop.example/forgot", at=0)
    >>> "on 1 January 1970, 00:00 UTC" in mail.body
    True
    """
    time = date_and_time(at, texts)
    return _mail(name, texts.changed_subject, texts.changed_body, username=_line(username), link=link, time=time)


def _mail(name: str, subject: str, body: str, **values: str) -> Mail:
    if _LINK.fullmatch(values["link"]) is None:
        raise ValueError("the link of a mail is no URL with http or https, or contains white space")
    # In one pass: a value with a placeholder in it is not filled in again.
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]], body)
    return Mail(f"{_line(name)}: {subject}" if name else subject, filled)


def _line(text: str) -> str:
    """`text` in one line."""
    return cut(" ".join(visible(text).split()))
