"""`Texts`: every text of the pages and mails in one language, and `Counted`, a text with a number in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Counted:
    """A text with a number.

    Args:
        one: for the number 1.
        other: for every other number from 2 on, with ``{n}``.

    >>> Counted("1 minute", "{n} minutes").of(5)
    '5 minutes'
    """

    one: str
    other: str

    def of(self, number: int) -> str:
        """The text for `number`."""
        return self.one if number == 1 else self.other.replace("{n}", str(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Every text of the pages and mails in one language.

    A text in ``{braces}`` is replaced by a value. `dataclasses.replace` changes some texts of a language:

    >>> from dataclasses import replace
    >>> from authmw.pages import texts_of
    >>> replace(texts_of("en"), log_in="Sign in").log_in
    'Sign in'
    """

    tag: str
    """The language tag (RFC 5646), for ``lang`` and ``Content-Language``."""
    direction: Literal["ltr", "rtl"] = "ltr"
    """In which direction the language is written."""

    # Numbers and times
    in_seconds: Counted
    """Behind "Try again"."""
    in_minutes: Counted
    in_hours: Counted
    minutes_ago: Counted
    """Behind "Last used"."""
    hours_ago: Counted
    days_ago: Counted
    just_now: str
    lasting_minutes: Counted
    """Behind "The link works for"."""
    lasting_hours: Counted
    lasting_days: Counted
    date: str
    """``{day}``, ``{month}`` (one of `months`) and ``{year}``, in the order of the language."""
    first_day: str = "1"
    """The first day of a month in a `date`."""
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]

    # Problems of forms
    error_title: str
    """The title of a page that has a problem, with ``{title}``."""
    problem: str
    """The heading of the problem."""
    wrong_credentials: str
    """It does not tell which of the two is wrong."""
    wrong_password: str
    step_wrong: str
    throttled: str
    """With ``{time}``, as `in_minutes`."""
    throttled_for_a_while: str
    form_expired: str
    field_missing: str
    passwords_differ: str
    password_too_short: str
    """With ``{n}``, the number of characters."""
    password_too_long: str
    password_unacceptable: str

    # Log in, log out
    username: str
    password: str
    log_in: str
    remember: str
    forgot_password: str
    confirm_identity: str
    confirm_identity_lead: str
    """With ``{username}``."""
    proceed: str
    """The button and the link that go on."""
    log_out: str
    log_out_question: str
    logged_out: str
    logged_out_lead: str
    log_in_again: str

    # Passwords
    change_password: str
    old_password: str
    new_password: str
    new_password_again: str
    password_hint: str
    """With ``{n}``, the number of characters."""
    password_changed: str
    password_changed_lead: str
    forgotten_password: str
    forgotten_password_lead: str
    account: str
    """The label of a field that takes a user name or an e-mail address."""
    send_link: str
    link_sent: str
    link_sent_lead: str
    """The same whether the account exists or not."""
    link_sent_hint: str
    back_to_login: str
    reset_password: str
    save_password: str

    # E-mail addresses
    verify_email: str
    verify_email_lead: str
    """With ``{email}``."""
    confirm_email: str
    email_verified: str
    email_verified_lead: str
    """With ``{email}``."""
    link_expired: str
    link_expired_lead: str
    ask_again: str

    # Sessions
    sessions: str
    sessions_lead: str
    no_sessions: str
    this_session: str
    browser: str
    app: str
    unknown_device: str
    started: str
    """With ``{time}``, as `minutes_ago` or `date`."""
    last_used: str
    """With ``{time}``, as `minutes_ago` or `date`."""
    remembered: str
    end_session: str
    end_all: str
    end_all_lead: str

    # Failures
    bad_request: str
    bad_request_lead: str
    form_expired_title: str
    form_expired_lead: str
    cross_site: str
    cross_site_lead: str
    forbidden: str
    forbidden_lead: str
    not_found: str
    not_found_lead: str
    too_many: str
    unavailable: str
    unavailable_lead: str
    try_again: str

    # The foot of the page
    imprint: str
    privacy: str

    # Mails
    recovery_subject: str
    recovery_body: str
    """With ``{username}``, ``{link}`` and ``{time}``, as `lasting_minutes`."""
    verification_subject: str
    verification_body: str
    """With ``{username}``, ``{link}`` and ``{time}``, as `lasting_minutes`."""
    changed_subject: str
    changed_body: str
    """With ``{username}``, ``{time}`` (date and time in UTC) and ``{link}``."""
