"""Pages of what is done by mail: a forgotten password, and an address that is verified."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.http.form import Form
from authmw.http.response import Response
from authmw.identity.verdict import Rejected
from authmw.login.password import notify
from authmw.login.passwords import new_password_in
from authmw.login.recovery import RECOVERY, VERIFICATION
from authmw.login.settings import TOKEN
from authmw.login.told import Told
from authmw.login.visit import Visit, redirect, retry_after
from authmw.pages import (
    EmailVerifiedPage,
    ForgottenPasswordPage,
    LinkExpiredPage,
    ProblemCode,
    ResetPasswordPage,
    VerifyEmailPage,
    recovery_mail,
)


def show_forgotten(visit: Visit) -> Flow[Response]:
    """The form that asks for a link."""
    yield from ()
    return _forgotten(visit)


def ask_for_link(visit: Visit, form: Form) -> Flow[Response]:
    """Send a link to the users with that name or address. The page is the same if there are none (ASVS 6.3.8)."""
    if not visit.holds(form):
        return _forgotten(visit, ProblemCode.FORM_EXPIRED, status=400)
    name = form.get("username")
    if name is None:
        return _forgotten(visit, ProblemCode.FIELD_MISSING, status=400)
    found = yield from visit.pages.links.for_forgotten(visit.request, name)
    if isinstance(found, Rejected):
        status, seconds = found.reason.status, found.retry_after
        return _forgotten(visit, ProblemCode.THROTTLED, status=status, seconds=seconds)
    for link in found:
        visit.pages.send_link(link, recovery_mail, "/reset", visit.language)
    Told(visit.request).asked_for_link(len(found))
    return _forgotten(visit, sent=True)


def _forgotten(
    visit: Visit,
    problem: ProblemCode | None = None,
    *,
    sent: bool = False,
    status: int = 200,
    seconds: int | None = None,
) -> Response:
    token, cookies = visit.token()
    page = ForgottenPasswordPage(
        action=visit.url("/forgotten"),
        form_token=token,
        sent=sent,
        problem=problem,
        retry_after=seconds,
        login_url=visit.url("/login"),
    )
    return visit.pages.page(page, visit.request, status, (*cookies, *retry_after(seconds)))


def show_reset(visit: Visit) -> Flow[Response]:
    """The form behind the link for a new password. It does not use the link up."""
    return (yield from _reset(visit, visit.query(TOKEN)))


def reset_password(visit: Visit, form: Form) -> Flow[Response]:
    """Set the password, and end all that the user was issued. Nobody is logged in by it (ASVS 6.4.3)."""
    pages, link = visit.pages, form.get(TOKEN)
    if not visit.holds(form):
        return (yield from _reset(visit, link, ProblemCode.FORM_EXPIRED, 400))
    user = yield from pages.links.peek(RECOVERY, link)
    new, problem = new_password_in(form, "" if user is None else user.username, pages.shortest, pages.policy)
    if problem is not None:
        return (yield from _reset(visit, link, problem, 400))
    changed = yield from pages.links.new_password(link, new)
    if changed is None:
        return _expired(visit, visit.url("/forgotten"))
    told = Told(visit.request)
    told.changed(changed.id, "password")
    notify(visit, changed)
    # It may be the session of another user, whose cookie is cleared too.
    told.ended((yield from pages.sessions.end_presented(visit.request)))
    return redirect(visit.url("/login"), (pages.session.cleared,))


def _reset(visit: Visit, link: str | None, problem: ProblemCode | None = None, status: int = 200) -> Flow[Response]:
    user = yield from visit.pages.links.peek(RECOVERY, link)
    if user is None or link is None:
        return _expired(visit, visit.url("/forgotten"))
    token, cookies = visit.token()
    page = ResetPasswordPage(
        action=visit.url("/reset"),
        form_token=token,
        token=link,
        username=user.username,
        shortest=visit.pages.shortest,
        problem=problem,
    )
    return visit.pages.page(page, visit.request, status, cookies)


def show_verify(visit: Visit) -> Flow[Response]:
    """The form behind the link that verifies an address. It does not use the link up."""
    return (yield from _verify(visit, visit.query(TOKEN), 200))


def verify_email(visit: Visit, form: Form) -> Flow[Response]:
    """Note that the address belongs to the user."""
    link = form.get(TOKEN)
    if not visit.holds(form):
        return (yield from _verify(visit, link, 400))
    user = yield from visit.pages.links.verified(link)
    if user is None:
        return _expired(visit, "")
    Told(visit.request).changed(user.id, "email")
    page = EmailVerifiedPage(email=user.email, continue_url=visit.pages.home)
    return visit.pages.page(page, visit.request)


def _verify(visit: Visit, link: str | None, status: int) -> Flow[Response]:
    user = yield from visit.pages.links.peek(VERIFICATION, link)
    if user is None or link is None:
        return _expired(visit, "")
    token, cookies = visit.token()
    page = VerifyEmailPage(action=visit.url("/verify"), form_token=token, token=link, email=user.email)
    return visit.pages.page(page, visit.request, status, cookies)


def _expired(visit: Visit, again_url: str) -> Response:
    return visit.pages.page(LinkExpiredPage(again_url=again_url), visit.request, 400)
