"""Every page in every state, for the tests, and for pictures of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from authmw.pages import (
    ChangePasswordPage,
    EmailVerifiedPage,
    Failure,
    FailurePage,
    ForgottenPasswordPage,
    LinkExpiredPage,
    LoggedOutPage,
    LoginPage,
    LogOutPage,
    Look,
    Page,
    ProblemCode,
    ResetPasswordPage,
    SessionEntry,
    SessionsPage,
    StepPage,
    VerifyEmailPage,
)

NOW: Final = 1_796_000_000.0
"""In November 2026."""
_DAY: Final = 86_400

LOGO: Final = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI0MCIgaGVpZ2h0PSI0MCI+PGNpcmNsZSBjeD0iMjAiIGN5PSIy"
    "MCIgcj0iMjAiIGZpbGw9IiMxYTdmNWEiLz48L3N2Zz4="
)
"""A green disc."""
LOOK: Final = Look("Corner Shop", logo=LOGO, accent="#1a7f5a", imprint="/imprint", privacy="/privacy")

ENTRIES: Final = (
    SessionEntry(
        id="s1",
        name="Firefox, Linux",
        started_at=NOW - 2 * _DAY,
        last_used_at=NOW - 20,
        is_current=True,
        remembered=True,
    ),
    SessionEntry(id="s2", name="Safari, iPhone", started_at=NOW - 40 * _DAY, last_used_at=NOW - 3 * 3600),
    SessionEntry(id="s3", started_at=NOW - 9 * _DAY, last_used_at=NOW - 8 * _DAY, kind="app"),
)


def _logins() -> Iterator[tuple[str, Page]]:
    yield "login", LoginPage(action="/login", form_token="f", remember=False, next="/orders", forgot_url="/forgotten")
    yield "login-bare", LoginPage(action="/login", form_token="f")
    for code in (ProblemCode.WRONG_CREDENTIALS, ProblemCode.THROTTLED, ProblemCode.FORM_EXPIRED):
        yield (
            f"login-{code.value}",
            LoginPage(
                action="/login",
                form_token="f",
                username="alice",
                remember=True,
                problem=code,
                retry_after=30,
                forgot_url="/forgotten",
            ),
        )
    yield "login-field-missing", LoginPage(action="/login", form_token="f", problem=ProblemCode.FIELD_MISSING)
    yield "login-again", LoginPage(action="/login", form_token="f", username="alice", reauthentication=True)
    for code in ProblemCode:
        yield (
            f"login-again-{code.value}",
            LoginPage(action="/login", form_token="f", username="alice", reauthentication=True, problem=code),
        )
    for found in (None, ProblemCode.WRONG_CREDENTIALS, ProblemCode.THROTTLED):
        yield (
            f"step-{found.value}" if found else "step",
            StepPage(
                action="/login/step",
                form_token="f",
                step="otp",
                fields=(("code", "Code"),),
                problem=found,
                login_url="/login",
            ),
        )
    yield "log-out", LogOutPage(action="/logout", form_token="f")
    yield "logged-out", LoggedOutPage(login_url="/login")


def _passwords() -> Iterator[tuple[str, Page]]:
    yield "change", ChangePasswordPage(action="/password", form_token="f", username="alice", shortest=8)
    yield "reset", ResetPasswordPage(action="/reset", form_token="f", token="t", username="alice", shortest=8)
    for code in ProblemCode:
        yield (
            f"change-{code.value}",
            ChangePasswordPage(
                action="/password", form_token="f", username="alice", shortest=8, problem=code, retry_after=3600
            ),
        )
        yield (
            f"reset-{code.value}",
            ResetPasswordPage(action="/reset", form_token="f", token="t", username="alice", shortest=8, problem=code),
        )
        yield (
            f"forgotten-{code.value}",
            ForgottenPasswordPage(action="/forgotten", form_token="f", problem=code, retry_after=90),
        )
    yield (
        "changed",
        ChangePasswordPage(
            action="/password", form_token="f", username="alice", shortest=8, done=True, continue_url="/"
        ),
    )
    yield "forgotten", ForgottenPasswordPage(action="/forgotten", form_token="f", login_url="/login")
    yield "forgotten-sent", ForgottenPasswordPage(action="/forgotten", form_token="f", sent=True, login_url="/login")


def _others() -> Iterator[tuple[str, Page]]:
    email = "alice@shop.example"
    yield "verify", VerifyEmailPage(action="/verify", form_token="f", token="t", email=email)
    yield "verified", EmailVerifiedPage(email=email, continue_url="/")
    yield "link-expired", LinkExpiredPage(again_url="/forgotten")
    yield (
        "sessions",
        SessionsPage(action="/sessions", form_token="f", entries=ENTRIES, end_all_action="/sessions/all", now=NOW),
    )
    yield "sessions-none", SessionsPage(action="/sessions", form_token="f", entries=(), now=NOW)
    for failure in Failure:
        yield f"failure-{failure.value}", FailurePage(failure=failure, retry_after=45, again_url="/")


PAGES: Final[Mapping[str, Page]] = dict([*_logins(), *_passwords(), *_others()])
"""Name → page."""
