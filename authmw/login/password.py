"""Page to change the password."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.http.form import Form
from authmw.http.response import Response
from authmw.identity.verdict import Rejected
from authmw.login.passwords import new_password_in
from authmw.login.sessions import Headers, LoggedInUser
from authmw.login.told import Told
from authmw.login.visit import Visit, retry_after
from authmw.pages import ChangePasswordPage, ProblemCode, password_changed_mail
from authmw.stores.records import User


def show_password(visit: Visit) -> Flow[Response]:
    """The form, for a caller who is logged in."""
    yield from ()
    return visit.to_login() if visit.caller is None else _page(visit, visit.caller)


def change_password(visit: Visit, form: Form) -> Flow[Response]:
    """Change it, if the old one is right: other sessions end, and this one gets another cookie."""
    pages, caller = visit.pages, visit.caller
    if caller is None:
        return visit.to_login()
    if not visit.holds(form):
        return _page(visit, caller, ProblemCode.FORM_EXPIRED, status=400)
    old = form.get("old_password")
    new, problem = new_password_in(form, caller.user.username, pages.shortest, pages.policy)
    if old is None:
        problem = ProblemCode.FIELD_MISSING
    if problem is not None or old is None:
        return _page(visit, caller, problem, status=400)
    told = Told(visit.request)
    proved = yield from pages.password.prove(caller.user, old, visit.request)
    if isinstance(proved, Rejected):
        told.refused(proved)
        if proved.retry_after is None:
            return _page(visit, caller, ProblemCode.OLD_PASSWORD_WRONG, status=403)
        problem, status = ProblemCode.THROTTLED, proved.reason.status
        return _page(visit, caller, problem, status=status, seconds=proved.retry_after)
    # The hash may be a better one by now, made of the old password when it was proved. Or it may be that of another
    # password, which nobody with the old one may replace. What is read first here is what is replaced.
    current = yield from pages.sessions.user_of(caller)
    if current is None or not (yield from pages.password.still_holds(proved, old)):
        return _page(visit, caller, ProblemCode.OLD_PASSWORD_WRONG, status=403)
    # Before too: if the store fails behind the change, nobody else is left in.
    yield from pages.sessions.end_others(caller)
    if not (yield from pages.links.changed_password(current, new)):
        return _page(visit, caller, ProblemCode.OLD_PASSWORD_WRONG, status=403)
    cookie = yield from pages.sessions.only(caller, current)
    told.changed(caller.user.id, "password")
    notify(visit, current)
    return _page(visit, caller, done=True, headers=(cookie,))


def notify(visit: Visit, user: User) -> None:
    """Tell a user by mail that the password was changed, in case it was somebody else (ASVS 6.3.7)."""
    pages = visit.pages
    if user.email:
        pages.send(
            user.email,
            password_changed_mail,
            visit.language,
            username=user.username,
            link=f"{pages.public_url}/forgotten",
            at=pages.clock(),
        )


def _page(
    visit: Visit,
    caller: LoggedInUser,
    problem: ProblemCode | None = None,
    *,
    status: int = 200,
    seconds: int | None = None,
    done: bool = False,
    headers: Headers = (),
) -> Response:
    token, cookies = visit.token()
    page = ChangePasswordPage(
        action=visit.url("/password"),
        form_token=token,
        username=caller.user.username,
        shortest=visit.pages.shortest,
        problem=problem,
        retry_after=seconds,
        done=done,
        continue_url=visit.pages.home,
    )
    return visit.pages.page(page, visit.request, status, (*cookies, *retry_after(seconds), *headers))
