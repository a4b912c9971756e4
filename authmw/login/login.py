"""Pages to log in and out."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.http.form import Form
from authmw.http.next_path import NEXT, REAUTHENTICATE, safe_next
from authmw.http.reasons import Reason
from authmw.http.response import Response
from authmw.identity.verdict import Rejected
from authmw.login.further_steps import next_step, to_step
from authmw.login.told import Told
from authmw.login.visit import Visit, redirect, retry_after
from authmw.pages import LoggedOutPage, LoginPage, LogOutPage, ProblemCode
from authmw.stores.records import User


def show_login(visit: Visit) -> Flow[Response]:
    """The form; a redirect for a caller who is logged in, unless a page asks for a new proof."""
    yield from ()
    wanted = safe_next(visit.query(NEXT), "")
    if visit.caller is not None and visit.query(REAUTHENTICATE) != "1":
        return redirect(wanted or visit.pages.home)
    return _page(visit, wanted)


def log_in(visit: Visit, form: Form) -> Flow[Response]:
    """Begin a session, if user name and password are right."""
    pages, wanted = visit.pages, safe_next(form.get(NEXT), "")
    username, password = form.get("username") or "", form.get("password") or ""
    remember = pages.remember_me and form.get("remember") == "yes"

    def again(problem: ProblemCode, status: int, seconds: int | None = None) -> Response:
        return _page(
            visit, wanted, username=username, remember=remember, problem=problem, seconds=seconds, status=status
        )

    if not visit.holds(form):
        return again(ProblemCode.FORM_EXPIRED, 400)
    if not username or not password:
        return again(ProblemCode.FIELD_MISSING, 400)
    told, began = Told(visit.request), pages.clock()
    found = yield from pages.password.find(username, password, visit.request)
    if isinstance(found, User):
        if (yield from next_step(pages.steps, found, ())) is not None:
            return (yield from to_step(visit, found, began=began, remember=remember, wanted=wanted))
        begun = yield from _begin(visit, found, password, remember=remember, began=began)
        if not isinstance(begun, Rejected):
            session_id, cookie = begun
            told.logged_in(found, session_id)
            return redirect(wanted or pages.home, (cookie,))
        found = begun
    told.refused(found)
    if found.retry_after is not None:
        return again(ProblemCode.THROTTLED, found.reason.status, found.retry_after)
    # No 401: that has a challenge (RFC 9110 §15.5.2), and a page has none for a form.
    return again(ProblemCode.WRONG_CREDENTIALS, 403)


def _begin(
    visit: Visit, user: User, password: str, *, remember: bool, began: float
) -> Flow[tuple[str, tuple[str, str]] | Rejected]:
    """The id of the session that began, and the header that sets its cookie."""
    pages, caller = visit.pages, visit.caller
    if caller is not None and caller.user.id == user.id:
        remember = caller.session.remembered  # the page of a new proof does not ask
    begun = yield from pages.sessions.begin(
        visit.request, user, amr=(pages.password.amr,), remember=remember, authenticated_at=began
    )
    if isinstance(begun, Rejected):
        return begun
    session, cookie = begun
    # A database shows a change only when its transaction ends, dated earlier. So what was read before the session was
    # stored is read again.
    if not (yield from pages.password.still_holds(user, password)):
        yield from pages.sessions.end(session.id)
        return Rejected(Reason.SESSION_ENDED, f"{session.id} was overtaken by a change of the password")
    return session.id, cookie


def _page(
    visit: Visit,
    wanted: str,
    *,
    username: str = "",
    remember: bool = False,
    problem: ProblemCode | None = None,
    seconds: int | None = None,
    status: int = 200,
) -> Response:
    pages, caller = visit.pages, visit.caller
    token, cookies = visit.token()
    page = LoginPage(
        action=visit.url("/login"),
        form_token=token,
        username=username if caller is None else caller.user.username,
        next=wanted,
        remember=remember if pages.remember_me else None,
        problem=problem,
        retry_after=seconds,
        forgot_url="" if pages.outbox is None else visit.url("/forgotten"),
        reauthentication=caller is not None,
    )
    return pages.page(page, visit.request, status, (*retry_after(seconds), *cookies))


def show_logout(visit: Visit) -> Flow[Response]:
    """The question whether to log out: a link must not do it, since another site can have one."""
    yield from ()
    if visit.caller is None:
        return visit.pages.page(LoggedOutPage(login_url=visit.url("/login")), visit.request)
    token, cookies = visit.token()
    page = LogOutPage(action=visit.url("/logout"), form_token=token)
    return visit.pages.page(page, visit.request, headers=cookies)


def log_out(visit: Visit, form: Form) -> Flow[Response]:
    """End the session of the cookie, with all that belongs to it."""
    if visit.caller is not None and not visit.holds(form):
        return (yield from show_logout(visit))
    Told(visit.request).ended((yield from visit.pages.sessions.end_presented(visit.request)))
    return redirect(visit.url("/logout"), (visit.pages.session.cleared,))
