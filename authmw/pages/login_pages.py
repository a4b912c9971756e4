"""Pages of logging in and out."""

from __future__ import annotations

from dataclasses import dataclass, field

from authmw.pages.languages.texts import Texts
from authmw.pages.markup import Html, element, joined, sentence
from authmw.pages.parts import Body, Problem, button_link, form, hidden, lead, link_below, name_of, submit
from authmw.pages.parts import field as form_field
from authmw.pages.problems import ProblemCode, problem_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """The page on which a person logs in. Its form has the fields ``username``, ``password``, ``next``, ``remember``
    (``yes``, if it is ticked) and ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        username: what is filled in; of a reauthentication, the name of the user.
        next: where to go after the login. It is sent with the form, and only the receiver can judge it.
        remember: whether the box "Keep me logged in" is ticked; None for no box.
        problem: of the form that was sent before.
        retry_after: seconds to wait, for `ProblemCode.THROTTLED`.
        forgot_url: the URL of the page for a forgotten password; empty for no link.
        reauthentication: the user is known, and proves it again: the name is shown, not asked. The form has it for
            password managers, and the receiver ignores it.
    """

    action: str
    form_token: str = field(repr=False)
    username: str = ""
    next: str = ""
    remember: bool | None = None
    problem: ProblemCode | None = None
    retry_after: int | None = None
    forgot_url: str = ""
    reauthentication: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPage:
    """The page of a further step of a login, as for a one-time code. Its form has the fields of the step, ``step`` and
    ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        step: names the step.
        fields: the name and the label of each field. What is typed is no password, and not remembered by browsers.
        problem: of the form that was sent before.
        retry_after: seconds to wait, for `ProblemCode.THROTTLED`.
        login_url: the URL of the login page, to begin again; empty for no link.
    """

    action: str
    form_token: str = field(repr=False)
    step: str
    fields: tuple[tuple[str, str], ...]
    problem: ProblemCode | None = None
    retry_after: int | None = None
    login_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutPage:
    """The page that asks whether to log out: a link can lead to it, and only its form ends the session.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
    """

    action: str
    form_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOutPage:
    """The page after logging out.

    Args:
        login_url: the URL of the login page; empty for no link.
    """

    login_url: str = ""


def login(page: LoginPage, texts: Texts) -> Body:
    """What the login page shows."""
    problem = _problem(page, texts)
    known = page.reauthentication
    # With a name filled in, the password is what is missing or wrong.
    at_password = known or bool(page.username)
    fields = joined(
        None if known else _username(page, texts, problem, autofocus=not at_password),
        # Password managers look for the user name in the form, also where it is not asked.
        hidden_username(page.username) if known else None,
        form_field(
            texts.password,
            "password",
            kind="password",
            autocomplete="current-password",
            problem=problem,
            autofocus=at_password,
        ),
        None if page.remember is None or known else _remember(texts, ticked=page.remember),
        hidden("next", page.next) if page.next else None,
    )
    title = texts.confirm_identity if known else texts.log_in
    return Body(
        title,
        joined(
            problem.shown(texts) if problem else None,
            lead(sentence(texts.confirm_identity_lead, username=name_of(page.username))) if known else None,
            form(page.action, page.form_token, fields, submit(texts.proceed if known else texts.log_in)),
            link_below(texts.forgot_password, page.forgot_url),
        ),
        has_form=True,
        has_problem=problem is not None,
    )


def step(page: StepPage, texts: Texts) -> Body:
    """What the page of a further step shows."""
    problem = None
    if page.problem is not None:
        is_wrong = page.problem is ProblemCode.WRONG_CREDENTIALS
        said = texts.step_wrong if is_wrong else problem_sentence(page.problem, texts, retry_after=page.retry_after)
        # Of one that waits or is too old no field is wrong.
        names = tuple(name for name, _ in page.fields)
        problem = Problem(said, names if is_wrong or page.problem is ProblemCode.FIELD_MISSING else ())
    asked = [
        form_field(label, name, autocomplete="one-time-code", problem=problem, autofocus=number == 0)
        for number, (name, label) in enumerate(page.fields)
    ]
    fields = joined(hidden("step", page.step), *asked)
    return Body(
        texts.confirm_identity,
        joined(
            problem.shown(texts) if problem else None,
            form(page.action, page.form_token, fields, submit(texts.proceed)),
            link_below(texts.log_in_again, page.login_url),
        ),
        has_form=True,
        has_problem=problem is not None,
    )


def log_out(page: LogOutPage, texts: Texts) -> Body:
    """What the page shows that asks whether to log out."""
    asked = form(page.action, page.form_token, submit(texts.log_out))
    return Body(texts.log_out, joined(lead(texts.log_out_question), asked), has_form=True)


def logged_out(page: LoggedOutPage, texts: Texts) -> Body:
    """What the page after logging out shows."""
    return Body(texts.logged_out, joined(lead(texts.logged_out_lead), button_link(texts.log_in_again, page.login_url)))


def _problem(page: LoginPage, texts: Texts) -> Problem | None:
    found = page.problem
    if found is None:
        return None
    if page.reauthentication and found is ProblemCode.WRONG_CREDENTIALS:
        return Problem(texts.wrong_password, ("password",))
    said = problem_sentence(found, texts, retry_after=page.retry_after)
    if found in (ProblemCode.THROTTLED, ProblemCode.FORM_EXPIRED):
        return Problem(said)  # no field is wrong
    return Problem(said, ("password",) if page.reauthentication else ("username", "password"))


def _username(page: LoginPage, texts: Texts, problem: Problem | None, *, autofocus: bool) -> Html:
    return form_field(
        texts.username,
        "username",
        autocomplete="username",
        value=page.username,
        problem=problem,
        autofocus=autofocus,
        # User names may be e-mail addresses: this keyboard has letters, digits and the @.
        inputmode="email",
    )


def hidden_username(username: str) -> Html:
    """The user name for password managers: a field that is not shown, and not of type ``hidden``, which they skip."""
    return element(
        "input", type="text", name="username", value=username, autocomplete="username", readonly=True, hidden=True
    )


def _remember(texts: Texts, *, ticked: bool) -> Html:
    box = element("input", type="checkbox", id="remember", name="remember", value="yes", checked=ticked)
    return element("label", box, texts.remember, for_="remember", class_="check")
