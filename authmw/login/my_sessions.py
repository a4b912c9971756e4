"""Page with the sessions of the caller."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.http.form import Form
from authmw.http.response import Response
from authmw.login.devices import device_name
from authmw.login.login import log_out
from authmw.login.told import Told
from authmw.login.visit import Visit, redirect
from authmw.pages import Failure, SessionEntry, SessionsPage


def show_sessions(visit: Visit) -> Flow[Response]:
    """Every session of the caller: browsers, and applications that hold a refresh token."""
    caller = visit.caller
    if caller is None:
        return visit.to_login()
    browsers, families = yield from visit.pages.sessions.of_user(caller.user.id)
    entries = [
        SessionEntry(
            id=each.id,
            name=device_name(each.name),
            started_at=each.created_at,
            last_used_at=each.last_used_at,
            is_current=each.id == caller.session.id,
            remembered=each.remembered,
        )
        for each in browsers
    ] + [
        SessionEntry(
            id=each.id,
            name=device_name(each.name) or each.client_id or "",
            started_at=each.created_at,
            last_used_at=each.last_used_at or each.created_at,
            kind="app",
        )
        for each in families
    ]
    token, cookies = visit.token()
    page = SessionsPage(
        action=visit.url("/sessions"),
        form_token=token,
        entries=tuple(sorted(entries, key=lambda each: (not each.is_current, -each.last_used_at))),
        end_all_action=visit.url("/sessions/end-all"),
        now=visit.pages.clock(),
    )
    return visit.pages.page(page, visit.request, headers=cookies)


def end_session(visit: Visit, form: Form) -> Flow[Response]:
    """End one session of the caller; the one of this request as a log-out does."""
    caller, named = visit.caller, form.get("session")
    if caller is None:
        return visit.to_login()
    if named is None or not visit.holds(form):
        return visit.failure(Failure.FORM_EXPIRED)
    if named == caller.session.id:
        return (yield from log_out(visit, form))
    if (yield from visit.pages.sessions.end_own(caller, named)):
        Told(visit.request).logged_out(caller.user.id, named)
    return redirect(visit.url("/sessions"))


def show_end_all(visit: Visit) -> Flow[Response]:
    """Nothing is here to see: the page with the sessions has the form."""
    yield from ()
    return visit.to_login() if visit.caller is None else redirect(visit.url("/sessions"))


def end_all(visit: Visit, form: Form) -> Flow[Response]:
    """Log out everywhere: end every session of the caller, this one too, and revoke every token."""
    caller = visit.caller
    if caller is None:
        return visit.to_login()
    if not visit.holds(form):
        return visit.failure(Failure.FORM_EXPIRED)
    yield from visit.pages.sessions.end_everything(caller)
    Told(visit.request).logged_out(caller.user.id, "all")
    return redirect(visit.url("/logout"), (visit.pages.session.cleared,))
