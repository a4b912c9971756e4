"""Pages of the further steps of a login: between the password and the session.

What was proved so far is pending in the store, found by a cookie of its own. The last step uses it up, so that one
proof of a password begins one session.
"""

from __future__ import annotations

import json
from typing import Any, Final

from authmw.crypto.opaque_tokens import has_checksum, new_token, token_digest
from authmw.errors import FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.cookies import cookies_named
from authmw.http.form import Form
from authmw.http.next_path import safe_next
from authmw.http.reasons import Reason
from authmw.http.response import Response
from authmw.http.set_cookie import clearing
from authmw.identity.verdict import Rejected
from authmw.login.steps import LoginStep
from authmw.login.told import Told
from authmw.login.visit import Visit, redirect, retry_after
from authmw.pages import ProblemCode, StepPage
from authmw.stores.records import User
from authmw.stores.session_records import Pending
from authmw.verifiers.accounts import Attempts, checked_user

STEP_COOKIE: Final = "__Host-login"
"""The cookie of a login that is under way."""
_KIND: Final = "login"
_PREFIX: Final = "ls"
_CLEARED: Final = clearing(STEP_COOKIE, same_site="Lax")


def next_step(steps: tuple[LoginStep, ...], user: User, passed: tuple[str, ...]) -> Flow[LoginStep | None]:
    """The first of `steps` that `user` has to pass and has not passed; None if there is no such step."""
    for step in steps:
        if step.name in passed:
            continue
        is_needed: Any = yield from Ask(step.is_needed, user)
        if not isinstance(is_needed, bool):
            raise FlowError(f"{type(step).__name__}.is_needed answers True or False, not {type(is_needed).__name__}")
        if is_needed:
            return step
    return None


def to_step(visit: Visit, user: User, *, began: float, remember: bool, wanted: str) -> Flow[Response]:
    """The redirect to the page of the next step, with what was proved so far in the store."""
    token = new_token(_PREFIX, entropy=visit.pages.entropy)
    lifetime = visit.pages.lifetimes.step
    data = {
        "began": repr(began),
        "remember": "yes" if remember else "",
        "next": wanted,
        "passed": "[]",
        "mark": token_digest(user.password_hash or ""),
    }
    pending = Pending(token_digest(token), _KIND, user.id, visit.pages.clock() + lifetime, data)
    yield from Ask(visit.pages.kept.pending.put_pending, pending)
    cookie = f"{STEP_COOKIE}={token}; Max-Age={int(lifetime)}; Path=/; Secure; HttpOnly; SameSite=Lax"
    return redirect(visit.url("/login/step"), (("Set-Cookie", cookie),))


def show_step(visit: Visit) -> Flow[Response]:
    """The form of the next step; the login page where no login is under way."""
    found = yield from _under_way(visit)
    return _begin_again(visit) if found is None else _page(visit, found[2])


def pass_step(visit: Visit, form: Form) -> Flow[Response]:
    """Check a step, and go on: to the next one, or with a session."""
    found = yield from _under_way(visit)
    if found is None:
        return _begin_again(visit)
    pending, user, step = found
    if not visit.holds(form) or form.get("step") != step.name:
        return _page(visit, step, ProblemCode.FORM_EXPIRED, status=400)
    values = {name: form.get(name) or "" for name, _ in step.fields}
    if not all(values.values()):
        return _page(visit, step, ProblemCode.FIELD_MISSING, status=400)
    told = Told(visit.request)
    attempts = Attempts(visit.pages.kept.throttle, visit.pages.clock)
    proved = yield from attempts.on_account(user.username, visit.request, _check(step, user, values))
    if isinstance(proved, Rejected):
        told.refused(proved)
        if proved.retry_after is None:
            return _page(visit, step, ProblemCode.WRONG_CREDENTIALS, status=403)
        seconds = proved.retry_after
        return _page(visit, step, ProblemCode.THROTTLED, status=proved.reason.status, seconds=seconds)
    return (yield from _go_on(visit, pending, user, step, told))


def _go_on(visit: Visit, pending: Pending, user: User, step: LoginStep, told: Told) -> Flow[Response]:
    pages = visit.pages
    # At most once: of two tabs that pass the last step, one begins the session.
    taken = yield from Ask(pages.kept.pending.take_pending, pending.digest, _KIND, pages.clock())
    if taken is None:
        return _begin_again(visit)
    passed = (*json.loads(pending.data["passed"]), step.name)
    following = yield from next_step(pages.steps, user, passed)
    if following is not None:
        data = {**pending.data, "passed": json.dumps(passed)}
        again = Pending(pending.digest, _KIND, user.id, pending.expires_at, data)
        yield from Ask(pages.kept.pending.put_pending, again)
        return redirect(visit.url("/login/step"))
    amr = (pages.password.amr, *(each.amr for each in pages.steps if each.name in passed))
    begun = yield from pages.sessions.begin(
        visit.request,
        user,
        amr=tuple(dict.fromkeys(amr)),
        remember=pending.data["remember"] == "yes",
        authenticated_at=float(pending.data["began"]),
    )
    if isinstance(begun, Rejected):
        told.refused(begun)
        return _begin_again(visit)
    session, cookie = begun
    told.logged_in(user, session.id)
    return redirect(safe_next(pending.data["next"], pages.home), (cookie, _CLEARED))


def _check(step: LoginStep, user: User, values: dict[str, str]) -> Flow[bool | Rejected]:
    answer: object = yield from Ask(step.check, user, values)
    return True if answer is True else Rejected(Reason.CREDENTIALS_REJECTED, f"step {step.name}")


def _under_way(visit: Visit) -> Flow[tuple[Pending, User, LoginStep] | None]:
    """The login that is under way in this browser: what was proved, by whom, and the next step."""
    pages = visit.pages
    values = cookies_named(visit.request, STEP_COOKIE)
    if len(values) != 1 or not has_checksum(values[0], _PREFIX):
        return None
    pending: Any = yield from Ask(pages.kept.pending.peek_pending, token_digest(values[0]), _KIND, pages.clock())
    if pending is None:
        return None
    user = checked_user((yield from Ask(pages.kept.users.find_by_id, pending.subject)), "find_by_id")
    # Who was disabled or has another password since the first step begins again.
    if user is None or user.disabled or token_digest(user.password_hash or "") != pending.data["mark"]:
        return None
    step = yield from next_step(pages.steps, user, tuple(json.loads(pending.data["passed"])))
    return None if step is None else (pending, user, step)


def _begin_again(visit: Visit) -> Response:
    return redirect(visit.url("/login"), (_CLEARED,))


def _page(
    visit: Visit, step: LoginStep, problem: ProblemCode | None = None, *, status: int = 200, seconds: int | None = None
) -> Response:
    token, cookies = visit.token()
    page = StepPage(
        action=visit.url("/login/step"),
        form_token=token,
        step=step.name,
        fields=step.fields,
        problem=problem,
        retry_after=seconds,
        login_url=visit.url("/login"),
    )
    return visit.pages.page(page, visit.request, status, (*cookies, *retry_after(seconds)))
