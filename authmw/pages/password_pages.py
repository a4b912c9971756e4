"""Pages of passwords: to change one, and to get a new one after it was forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from authmw.pages.languages.texts import Texts
from authmw.pages.login_pages import hidden_username
from authmw.pages.markup import Html, joined
from authmw.pages.parts import Body, Problem, button_link, form, hidden, lead, link_below, submit
from authmw.pages.parts import field as form_field
from authmw.pages.problems import ProblemCode, problem_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordPage:
    """The page on which a user changes the password. Its form has the fields ``old_password``, ``new_password``,
    ``new_password_again``, ``username`` (for password managers, the receiver ignores it) and ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        username: the name of the user.
        shortest: the least number of characters of a new password.
        problem: of the form that was sent before.
        retry_after: seconds to wait, for `ProblemCode.THROTTLED`.
        done: the password was changed: the page says so, and has no form.
        continue_url: where to go on when it is done; empty for no link.
    """

    action: str
    form_token: str = field(repr=False)
    username: str
    shortest: int
    problem: ProblemCode | None = None
    retry_after: int | None = None
    done: bool = False
    continue_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenPasswordPage:
    """The page that sends a link for a new password. Its form has the fields ``username``, which is a user name or an
    e-mail address, and ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        sent: the form was sent: the page says the same whether there is such an account or not.
        problem: of the form that was sent before.
        retry_after: seconds to wait, for `ProblemCode.THROTTLED`.
        login_url: the URL of the login page; empty for no link.
    """

    action: str
    form_token: str = field(repr=False)
    sent: bool = False
    problem: ProblemCode | None = None
    retry_after: int | None = None
    login_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPasswordPage:
    """The page behind the link of a `recovery_mail`. Its form has the fields ``token``, ``new_password``,
    ``new_password_again``, ``username`` (for password managers, the receiver ignores it) and ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        token: of the link. It is sent with the form.
        username: the name of the user, for password managers; empty if it is not to be told.
        shortest: the least number of characters of a new password.
        problem: of the form that was sent before.
    """

    action: str
    form_token: str = field(repr=False)
    token: str = field(repr=False)
    username: str = ""
    shortest: int
    problem: ProblemCode | None = None


_FIELDS: Final = {
    ProblemCode.OLD_PASSWORD_WRONG: ("old_password",),
    ProblemCode.PASSWORDS_DIFFER: ("new_password", "new_password_again"),
    ProblemCode.PASSWORD_TOO_SHORT: ("new_password",),
    ProblemCode.PASSWORD_TOO_LONG: ("new_password",),
    ProblemCode.PASSWORD_UNACCEPTABLE: ("new_password",),
    ProblemCode.FIELD_MISSING: ("old_password", "new_password", "new_password_again"),
}
"""The fields that are wrong. Of the other problems no field is."""


def change_password(page: ChangePasswordPage, texts: Texts) -> Body:
    """What the page shows on which a user changes the password."""
    if page.done:
        said = lead(texts.password_changed_lead)
        return Body(texts.password_changed, joined(said, button_link(texts.proceed, page.continue_url)))
    problem = _problem(page.problem, texts, page.shortest, page.retry_after)
    old = form_field(
        texts.old_password,
        "old_password",
        kind="password",
        autocomplete="current-password",
        problem=problem,
        autofocus=problem is None or "old_password" in problem.fields,
    )
    fields = joined(hidden_username(page.username), old, _new_password(texts, page.shortest, problem))
    changed = form(page.action, page.form_token, fields, submit(texts.change_password))
    return _form_page(texts.change_password, problem, texts, changed)


def reset_password(page: ResetPasswordPage, texts: Texts) -> Body:
    """What the page behind the link of a mail shows."""
    found = _problem(page.problem, texts, page.shortest, None)
    problem = found and Problem(found.sentence, tuple(name for name in found.fields if name != "old_password"))
    fields = joined(
        hidden("token", page.token),
        hidden_username(page.username) if page.username else None,
        _new_password(texts, page.shortest, problem),
    )
    chosen = form(page.action, page.form_token, fields, submit(texts.save_password))
    return _form_page(texts.reset_password, problem, texts, chosen)


def forgotten_password(page: ForgottenPasswordPage, texts: Texts) -> Body:
    """What the page shows that sends a link for a new password."""
    back = link_below(texts.back_to_login, page.login_url)
    if page.sent:
        return Body(texts.link_sent, joined(lead(texts.link_sent_lead), lead(texts.link_sent_hint), back))
    problem = None
    if page.problem is not None:
        said = problem_sentence(page.problem, texts, retry_after=page.retry_after)
        problem = Problem(said, ("username",) if page.problem is ProblemCode.FIELD_MISSING else ())
    asked = form_field(
        texts.account, "username", autocomplete="username", inputmode="email", problem=problem, autofocus=True
    )
    return Body(
        texts.forgotten_password,
        joined(
            problem.shown(texts) if problem else None,
            lead(texts.forgotten_password_lead),
            form(page.action, page.form_token, asked, submit(texts.send_link)),
            back,
        ),
        has_form=True,
        has_problem=problem is not None,
    )


def _problem(code: ProblemCode | None, texts: Texts, shortest: int, retry_after: int | None) -> Problem | None:
    if code is None:
        return None
    if code is ProblemCode.WRONG_CREDENTIALS:
        code = ProblemCode.OLD_PASSWORD_WRONG  # the name is not asked here
    said = problem_sentence(code, texts, retry_after=retry_after, shortest=shortest)
    return Problem(said, _FIELDS.get(code, ()))


def _new_password(texts: Texts, shortest: int, problem: Problem | None) -> Html:
    return joined(
        form_field(
            texts.new_password,
            "new_password",
            kind="password",
            autocomplete="new-password",
            hint=texts.password_hint.replace("{n}", str(shortest)),
            problem=problem,
            autofocus=problem is not None and problem.fields[:1] == ("new_password",),
        ),
        form_field(
            texts.new_password_again,
            "new_password_again",
            kind="password",
            autocomplete="new-password",
            problem=problem,
        ),
    )


def _form_page(title: str, problem: Problem | None, texts: Texts, form_below: Html) -> Body:
    shown = problem.shown(texts) if problem else None
    return Body(title, joined(shown, form_below), has_form=True, has_problem=problem is not None)
