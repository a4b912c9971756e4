"""Every page in every language: well-formed, labelled, with a problem where there is one, and headers that hold."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from authmw import ConfigurationError
from authmw.pages import (
    LANGUAGES,
    ChangePasswordPage,
    EmailVerifiedPage,
    Failure,
    FailurePage,
    ForgottenPasswordPage,
    LinkExpiredPage,
    LoggedOutPage,
    LoginPage,
    Look,
    Page,
    ProblemCode,
    ResetPasswordPage,
    SessionEntry,
    SessionsPage,
    Texts,
    problem_sentence,
    render,
    texts_of,
)
from tests.pages.parsing import Parsed
from tests.pages.samples import ENTRIES, LOGO, LOOK, NOW, PAGES
from tests.support import fresh_python

LOGIN = LoginPage(action="/login", form_token="f", username="alice", next="/orders", remember=True)
every_page = pytest.mark.parametrize("name", PAGES)
every_language = pytest.mark.parametrize("language", LANGUAGES)
AUTOCOMPLETE = {
    "username": "username",
    "password": "current-password",
    "old_password": "current-password",
    "new_password": "new-password",
    "new_password_again": "new-password",
}


def policy_of(page: Page, look: Look = LOOK, **options: object) -> dict[str, str]:
    """The directives of the policy of a page."""
    headers = dict(render(page, look, **options).headers)  # type: ignore[arg-type]
    directives = headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (each.partition(" ") for each in directives)}


@every_language
@every_page
def test_a_page_is_well_formed_and_each_of_its_fields_has_a_label(name: str, language: str) -> None:
    parsed = Parsed(render(PAGES[name], LOOK, texts=texts_of(language)).content)
    assert parsed.doctypes == ["doctype html"]
    assert parsed.one("html").attributes["lang"] == texts_of(language).tag
    ids = [each.attributes["id"] for each in parsed.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert parsed.one("h1").text
    assert parsed.one("title").text.endswith(f"{parsed.one('h1').text} \N{EN DASH} Corner Shop")
    labelled = {each.attributes["for"] for each in parsed.all("label") if each.text}
    shown = [
        each.attributes
        for each in parsed.all("input")
        if each.attributes["type"] != "hidden" and "hidden" not in each.attributes
    ]
    assert {each["id"] for each in shown} == labelled
    for each in parsed.elements:
        described = (each.attributes.get("aria-describedby") or "").split()
        assert set(described) <= set(ids)
        href = each.attributes.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids
    assert all("{" not in each.text for each in parsed.all("main"))


@every_page
def test_nothing_on_a_page_runs_or_comes_from_another_host(name: str) -> None:
    parsed = Parsed(render(PAGES[name], LOOK).content)
    assert {each.name for each in parsed.elements} & {"script", "iframe", "object", "embed", "link", "base"} == set()
    attributes = {attribute for each in parsed.elements for attribute in each.attributes}
    assert [each for each in attributes if each.startswith("on") or each in ("style", "srcdoc", "formaction")] == []
    urls = [
        each.attributes[key] or ""
        for each in parsed.elements
        for key in ("src", "href", "action")
        if key in each.attributes
    ]
    assert [url for url in urls if "//" in url] == []
    assert "url(" not in parsed.one("style").text
    assert "@import" not in parsed.one("style").text


@every_page
def test_a_problem_is_said_first_in_the_title_and_once_above_the_form(name: str) -> None:
    page = PAGES[name]
    parsed = Parsed(render(page, LOOK).content)
    has_problem = getattr(page, "problem", None) is not None
    assert parsed.one("title").text.startswith("Error: ") == has_problem
    assert len([each for each in parsed.elements if each.attributes.get("role") == "alert"]) == has_problem
    wrong = [each.attributes["name"] for each in parsed.elements if "aria-invalid" in each.attributes]
    links = [each.attributes["href"] for each in parsed.all("a") if (each.attributes["href"] or "").startswith("#")]
    assert links == ([f"#{wrong[0]}"] if wrong else [])
    focused = [each.attributes.get("name") for each in parsed.elements if "autofocus" in each.attributes]
    assert len(focused) <= 1
    if wrong:
        assert set(focused) <= set(wrong)


@every_page
def test_fields_have_the_tokens_that_password_managers_look_for(name: str) -> None:
    for each in Parsed(render(PAGES[name], LOOK).content).all("input"):
        field = each.attributes["name"] or ""
        if field in AUTOCOMPLETE:
            assert each.attributes["autocomplete"] == AUTOCOMPLETE[field]
        assert (each.attributes["type"] == "password") == (field.endswith(("password", "password_again")))
        assert not {"onpaste", "maxlength", "pattern", "minlength"} & set(each.attributes)


@every_page
def test_a_form_is_posted_with_its_token(name: str) -> None:
    parsed = Parsed(render(PAGES[name], LOOK).content)
    for each in parsed.all("form"):
        assert (each.attributes["method"], (each.attributes["action"] or "")[0]) == ("post", "/")
    tokens = [each for each in parsed.all("input") if each.attributes["name"] == "csrf_token"]
    assert len(tokens) == len(parsed.all("form"))
    assert {each.attributes["value"] for each in tokens} <= {"f"}


@every_page
def test_the_headers_keep_a_page_out_of_caches_frames_and_other_sites(name: str) -> None:
    headers = dict(render(PAGES[name], LOOK, texts=texts_of("pt")).headers)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Language"] == "pt-BR"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = policy_of(PAGES[name])
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert set(policy) == {"default-src", "style-src", "img-src", "base-uri", "form-action", "frame-ancestors"}


@every_page
def test_the_policy_allows_exactly_the_style_sheet_that_is_in_the_page(name: str) -> None:
    style = Parsed(render(PAGES[name], LOOK).content).one("style").text
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy_of(PAGES[name])["style-src"] == f"'sha256-{digest}'"


@every_page
def test_a_page_with_a_form_lets_browsers_tell_its_origin_and_no_more(name: str) -> None:
    document = render(PAGES[name], LOOK)
    has_form = b"<form" in document.content
    assert dict(document.headers)["Referrer-Policy"] == ("strict-origin" if has_form else "no-referrer")
    assert policy_of(PAGES[name])["form-action"] == ("'self'" if has_form else "'none'")


def test_images_are_allowed_for_a_logo_only_and_from_where_it_is() -> None:
    assert "img-src" not in policy_of(LOGIN, Look("Shop"))
    assert policy_of(LOGIN, Look("Shop", logo="/static/logo.svg"))["img-src"] == "'self'"
    assert policy_of(LOGIN, Look("Shop", logo=LOGO))["img-src"] == "data:"


def test_forms_may_redirect_to_the_origins_that_are_named() -> None:
    policy = policy_of(LOGIN, form_origins=["https://app.example", "http://127.0.0.1:8000"])
    assert policy["form-action"] == "'self' https://app.example http://127.0.0.1:8000"
    with pytest.raises(ConfigurationError, match=r"form_origins='https://app\.example/; script-src"):
        render(LOGIN, form_origins=["https://app.example/; script-src *"])


# Log in


def test_the_login_form_sends_what_it_was_given() -> None:
    fields = Parsed(render(LOGIN).content).fields
    assert fields == {"csrf_token": "f", "username": "alice", "password": "", "remember": "yes", "next": "/orders"}


@pytest.mark.parametrize("remember, boxes", [(None, []), (False, [False]), (True, [True])])
def test_the_box_is_there_where_it_can_be_ticked(remember: bool | None, boxes: list[bool]) -> None:
    parsed = Parsed(render(replace(LOGIN, remember=remember)).content)
    found = [each for each in parsed.all("input") if each.attributes["type"] == "checkbox"]
    assert ["checked" in each.attributes for each in found] == boxes


def test_a_wrong_login_does_not_tell_whether_the_name_or_the_password_is_wrong() -> None:
    parsed = Parsed(render(replace(LOGIN, problem=ProblemCode.WRONG_CREDENTIALS)).content)
    assert "The user name or the password is wrong." in parsed.one("main").text
    wrong = [each.attributes["name"] for each in parsed.elements if "aria-invalid" in each.attributes]
    assert wrong == ["username", "password"]


def test_the_time_to_wait_is_told() -> None:
    page = replace(LOGIN, problem=ProblemCode.THROTTLED, retry_after=90)
    assert "Please try again in 2 minutes." in Parsed(render(page).content).one("main").text
    page = replace(LOGIN, problem=ProblemCode.THROTTLED)
    assert "Please try again later." in Parsed(render(page).content).one("main").text


def test_who_is_known_is_not_asked_for_the_name_but_told_it() -> None:
    parsed = Parsed(render(replace(LOGIN, reauthentication=True, remember=True)).content)
    (name,) = [each for each in parsed.all("input") if each.attributes["name"] == "username"]
    assert ("hidden" in name.attributes, "readonly" in name.attributes) == (True, True)
    assert parsed.one("bdi").text == "alice"
    assert "remember" not in parsed.fields
    said = Parsed(render(replace(LOGIN, reauthentication=True, problem=ProblemCode.WRONG_CREDENTIALS)).content)
    assert "The password is wrong." in said.one("main").text


def focused(page: Page) -> list[str | None]:
    """The names of the fields in which the cursor is."""
    parsed = Parsed(render(page).content)
    return [each.attributes.get("name") for each in parsed.elements if "autofocus" in each.attributes]


def test_the_cursor_is_where_to_go_on() -> None:
    assert focused(replace(LOGIN, username="")) == ["username"]
    assert focused(LOGIN) == ["password"]
    assert focused(replace(LOGIN, reauthentication=True)) == ["password"]
    assert focused(PAGES["change"]) == ["old_password"]
    assert focused(PAGES["change-password-too-short"]) == ["new_password"]
    assert focused(PAGES["change-passwords-differ"]) == ["new_password"]
    assert focused(PAGES["reset"]) == []
    assert focused(PAGES["reset-password-too-long"]) == ["new_password"]
    assert focused(PAGES["forgotten"]) == ["username"]


@every_page
def test_tokens_are_not_in_the_repr_of_a_page(name: str) -> None:
    page = PAGES[name]
    tokens = {each: f"s3cret-{each}" for each in ("form_token", "token") if hasattr(page, each)}
    changed = replace(page, **tokens)  # type: ignore[arg-type]
    assert "s3cret" not in repr(changed)
    assert all(f'value="{each}"' in render(changed).content.decode() for each in tokens.values()) or not has_form(page)


def has_form(page: Page) -> bool:
    """Whether the page sends anything."""
    return b"<form" in render(page).content


HEAD = (
    '<!doctype html>\n<html lang="en" dir="ltr"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<meta name="robots" content="noindex"><title>{title}</title><style>'
)
LOGIN_BODY = (
    '<body><header><img src="/static/logo.svg" alt=""><span>Shop</span></header><main><h1>Log in</h1>'
    '<div class="problem" id="problem" role="alert"><h2>There is a problem</h2>'
    '<p><a href="#username">The user name or the password is wrong.</a></p></div>'
    '<form method="post" action="/login"><input type="hidden" name="csrf_token" value="f">'
    '<div class="field"><label for="username">User name</label><input type="text" id="username" name="username" '
    'value="alice" autocomplete="username" inputmode="email" autocapitalize="none" spellcheck="false" required '
    'aria-invalid="true" aria-describedby="problem"></div>'
    '<div class="field"><label for="password">Password</label><input type="password" id="password" name="password" '
    'autocomplete="current-password" spellcheck="false" required autofocus aria-invalid="true" '
    'aria-describedby="problem"></div>'
    '<label for="remember" class="check"><input type="checkbox" id="remember" name="remember" value="yes" checked>'
    'Keep me logged in on this device</label><input type="hidden" name="next" value="/orders">'
    '<button type="submit" class="button">Log in</button></form>'
    '<p class="below"><a href="/forgotten" rel="noreferrer">Forgot your password?</a></p></main>'
    '<footer><a href="/imprint" rel="noreferrer">Legal notice</a>'
    '<a href="/privacy" rel="noreferrer">Privacy</a></footer>'
    "</body></html>\n"
)


def test_the_login_page_is_exactly_this() -> None:
    page = replace(LOGIN, problem=ProblemCode.WRONG_CREDENTIALS, forgot_url="/forgotten")
    look = Look("Shop", logo="/static/logo.svg", imprint="/imprint", privacy="/privacy")
    head, _, rest = render(page, look).content.decode().partition("<style>")
    assert f"{head}<style>" == HEAD.replace("{title}", "Error: Log in \N{EN DASH} Shop")
    assert rest.partition("</style></head>")[2] == LOGIN_BODY


FIELD = (
    '<div class="field"><label for="{name}">{label}</label>{hint}<input type="password" id="{name}" name="{name}" '
    'autocomplete="{token}" spellcheck="false" required{more}></div>'
)
HINT = (
    '<p class="hint" id="new_password-hint">At least 8 characters. A few words in a row are easy to remember and hard '
    "to guess.</p>"
)


def test_the_form_for_a_new_password_is_exactly_this() -> None:
    content = render(PAGES["change-password-too-short"]).content.decode()
    form = content.partition("</div><form")[2].partition("</form>")[0]
    wrong = ' autofocus aria-invalid="true" aria-describedby="problem new_password-hint"'
    old = {"name": "old_password", "label": "Current password", "hint": "", "token": "current-password", "more": ""}
    new = {"name": "new_password", "label": "New password", "hint": HINT, "token": "new-password", "more": wrong}
    again = {"name": "new_password_again", "label": "Repeat the new password", "hint": "", "more": ""}
    assert form == (
        ' method="post" action="/password"><input type="hidden" name="csrf_token" value="f">'
        '<input type="text" name="username" value="alice" autocomplete="username" readonly hidden>'
        + FIELD.format(**old)
        + FIELD.format(**new)
        + FIELD.format(token="new-password", **again)
        + '<button type="submit" class="button">Change password</button>'
    )


def test_a_session_is_exactly_this() -> None:
    content = render(PAGES["sessions"]).content.decode()
    first = content.partition('<ul class="sessions" role="list">')[2].partition("</li>")[0]
    assert first == (
        "<li><div><h2><bdi><strong>Firefox, Linux</strong></bdi>"
        '<span class="mark">This device</span></h2><p>Browser · Stays logged in</p>'
        '<p>Last used: <time datetime="2026-11-30T00:53:00Z" title="30 November 2026, 00:53 UTC">just now</time></p>'
        '<p>Logged in: <time datetime="2026-11-28T00:53:20Z" title="28 November 2026, 00:53 UTC">2 days ago</time></p>'
        '</div><form method="post" action="/sessions"><input type="hidden" name="csrf_token" value="f">'
        '<input type="hidden" name="session" value="s1"><button type="submit" class="button plain">Log out'
        '<span class="hidden">: Firefox, Linux</span></button></form>'
    )
    last = content.partition("</ul>")[2].partition("</main>")[0]
    assert last == (
        '<form method="post" action="/sessions/all"><input type="hidden" name="csrf_token" value="f">'
        '<button type="submit" class="button">Log out everywhere</button>'
        '<p class="hint after">This logs you out on this device too.</p></form>'
    )
    assert '<main class="wide">' in content
    assert "<p>App</p>" in content


def test_without_the_url_for_all_sessions_there_is_no_such_button() -> None:
    page = SessionsPage(action="/sessions", form_token="f", entries=ENTRIES, now=NOW)
    assert b"Log out everywhere" not in render(page).content


LINKS = {
    "login": ["/forgotten"],
    "logged-out": ["/login"],
    "changed": ["/"],
    "forgotten": ["/login"],
    "forgotten-sent": ["/login"],
    "verified": ["/"],
    "link-expired": ["/forgotten"],
    "failure-not-found": ["/"],
    "login-bare": [],
    "verify": [],
}
BARE: list[Page] = [
    LoggedOutPage(),
    LinkExpiredPage(),
    EmailVerifiedPage(email="a"),
    FailurePage(failure=Failure.NOT_FOUND),
    LoginPage(action="/login", form_token="f"),
    ForgottenPasswordPage(action="/forgotten", form_token="f", sent=True),
    ChangePasswordPage(action="/password", form_token="f", username="a", shortest=8, done=True),
]


@pytest.mark.parametrize("name", LINKS)
def test_a_page_leads_on(name: str) -> None:
    parsed = Parsed(render(PAGES[name]).content)
    assert [each.attributes["href"] for each in parsed.all("a")] == LINKS[name]


@pytest.mark.parametrize("page", BARE, ids=lambda page: type(page).__name__)
def test_a_page_that_is_told_no_url_leads_nowhere(page: Page) -> None:
    parsed = Parsed(render(page).content)
    assert parsed.all("a") == []
    assert "next" not in parsed.fields


def test_a_session_is_a_browser_elsewhere_if_nothing_else_is_said() -> None:
    entry = SessionEntry(id="s", name="n", started_at=NOW, last_used_at=NOW)
    parsed = Parsed(render(SessionsPage(action="/s", form_token="f", entries=(entry,), now=NOW)).content)
    assert [each.text for each in parsed.all("h2") + parsed.all("p")[1:2]] == ["n", "Browser"]


FIELDS = {
    "login-again": {"csrf_token": "f", "username": "alice", "password": ""},
    "log-out": {"csrf_token": "f"},
    "reset": {"csrf_token": "f", "token": "t", "username": "alice", "new_password": "", "new_password_again": ""},
    "forgotten": {"csrf_token": "f", "username": ""},
    "verify": {"csrf_token": "f", "token": "t"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_form_has_the_fields_that_the_docstring_names(name: str) -> None:
    assert Parsed(render(PAGES[name]).content).fields == FIELDS[name]


def test_a_name_that_is_not_to_be_told_is_not_in_the_form() -> None:
    page = ResetPasswordPage(action="/reset", form_token="f", token="t", shortest=8)
    assert "username" not in Parsed(render(page).content).fields


def test_a_phone_shows_the_keyboard_with_an_at_sign_for_a_user_name() -> None:
    for name in ("login", "forgotten"):
        (field,) = [
            each.attributes
            for each in Parsed(render(PAGES[name]).content).all("input")
            if each.attributes["type"] == "text"
        ]
        assert (field["inputmode"], field["autocapitalize"], field["spellcheck"]) == ("email", "none", "false")
        assert "value" not in field


@pytest.mark.parametrize("code", ProblemCode)
def test_each_problem_has_its_sentence(code: ProblemCode) -> None:
    texts = texts_of("es")
    sentences = {
        ProblemCode.WRONG_CREDENTIALS: texts.wrong_credentials,
        ProblemCode.THROTTLED: texts.throttled_for_a_while,
        ProblemCode.FORM_EXPIRED: texts.form_expired,
        ProblemCode.FIELD_MISSING: texts.field_missing,
        ProblemCode.PASSWORDS_DIFFER: texts.passwords_differ,
        ProblemCode.PASSWORD_TOO_SHORT: texts.password_too_short.replace("{n}", "15"),
        ProblemCode.PASSWORD_TOO_LONG: texts.password_too_long,
        ProblemCode.PASSWORD_UNACCEPTABLE: texts.password_unacceptable,
        ProblemCode.OLD_PASSWORD_WRONG: texts.wrong_password,
    }
    assert problem_sentence(code, texts, shortest=15) == sentences[code]


SAID = {
    "log-out": ("Log out", "Do you want to log out?"),
    "logged-out": ("You are logged out", "You can close this window now."),
    "changed": ("Password changed", "From now on, log in with your new password."),
    "verify": ("Confirm your email address", "Does alice@shop.example belong to you?"),
    "verified": ("Email address confirmed", "We can reach you at alice@shop.example from now on."),
    "link-expired": ("This link no longer works", "It has been used already, or it is too old."),
    "sessions-none": ("Where you are logged in", "You are not logged in anywhere."),
    "login-again-field-missing": ("Confirm that it is you", "Please fill in every field."),
    "login-again": ("Confirm that it is you", "You are logged in as alice."),
    "failure-bad-request": ("This request is not valid", "Please go back and try again."),
    "failure-form-expired": ("This form has expired", "Nothing was changed."),
    "failure-cross-site": ("This request came from another website", "nothing was changed."),
    "failure-forbidden": ("You do not have access", "Your account has no permission"),
    "failure-not-found": ("Page not found", "Please check the address"),
    "failure-too-many": ("Too many attempts", "Please try again in 45 seconds."),
    "failure-unavailable": ("Not available at the moment", "nothing to do with your account"),
    "change-throttled": ("Change password", "Please try again in 60 minutes."),
    "change-wrong-credentials": ("Change password", "The password is wrong."),
    "forgotten-throttled": ("Forgotten password", "Please try again in 2 minutes."),
    "reset-password-unacceptable": ("Choose a new password", "too easy to guess"),
    "reset-field-missing": ("Choose a new password", "Please fill in every field."),
}


@pytest.mark.parametrize("name", SAID)
def test_a_page_says_what_it_is_about(name: str) -> None:
    parsed = Parsed(render(PAGES[name]).content)
    title, said = SAID[name]
    assert parsed.one("h1").text == title
    assert said in parsed.one("main").text


WRONG = {
    "login-wrong-credentials": ["username", "password"],
    "login-throttled": [],
    "login-form-expired": [],
    "login-again-wrong-credentials": ["password"],
    "login-again-field-missing": ["password"],
    "change-old-password-wrong": ["old_password"],
    "change-wrong-credentials": ["old_password"],
    "change-passwords-differ": ["new_password", "new_password_again"],
    "change-password-too-long": ["new_password"],
    "change-field-missing": ["old_password", "new_password", "new_password_again"],
    "change-throttled": [],
    "reset-field-missing": ["new_password", "new_password_again"],
    "reset-old-password-wrong": [],
    "forgotten-field-missing": ["username"],
    "forgotten-throttled": [],
}


@pytest.mark.parametrize("name", WRONG)
def test_the_fields_that_are_wrong_are_marked(name: str) -> None:
    parsed = Parsed(render(PAGES[name]).content)
    assert [each.attributes["name"] for each in parsed.elements if "aria-invalid" in each.attributes] == WRONG[name]


def test_statuses_are_those_of_http() -> None:
    assert {failure.value: failure.status for failure in Failure} == {
        "bad-request": 400,
        "form-expired": 400,
        "cross-site": 403,
        "forbidden": 403,
        "not-found": 404,
        "too-many": 429,
        "unavailable": 503,
    }


def test_what_cannot_be_tried_again_leads_elsewhere() -> None:
    buttons = {name: Parsed(render(PAGES[name]).content).one("a").text for name in PAGES if name.startswith("failure-")}
    elsewhere = {name for name, text in buttons.items() if text == "Continue"}
    assert elsewhere == {"failure-forbidden", "failure-not-found"}
    assert {text for name, text in buttons.items() if name not in elsewhere} == {"Try again"}


def test_a_language_may_be_written_from_right_to_left() -> None:
    texts = replace(texts_of("en"), tag="ar", direction="rtl")
    assert Parsed(render(LOGIN, texts=texts).content).one("html").attributes == {"lang": "ar", "dir": "rtl"}


# Passwords and sessions


def test_the_least_length_is_told_before_and_after() -> None:
    hint = Parsed(render(PAGES["change"]).content)
    assert "At least 8 characters." in hint.one("main").text
    said = Parsed(render(PAGES["change-password-too-short"]).content)
    assert "Use at least 8 characters." in said.one("main").text


def test_a_forgotten_password_is_answered_without_a_form_and_without_the_name() -> None:
    parsed = Parsed(render(PAGES["forgotten-sent"]).content)
    assert parsed.all("form") == []
    assert "If there is an account" in parsed.one("main").text


def test_each_session_has_a_button_that_says_which_it_ends() -> None:
    parsed = Parsed(render(PAGES["sessions"]).content)
    assert [each.text for each in parsed.all("button")] == [
        "Log out: Firefox, Linux",
        "Log out: Safari, iPhone",
        "Log out: Unknown device",
        "Log out everywhere",
    ]
    sent = [each.attributes["value"] for each in parsed.all("input") if each.attributes["name"] == "session"]
    assert sent == [each.id for each in ENTRIES]
    times = [(each.text, each.attributes["datetime"]) for each in parsed.all("time")]
    assert times[:2] == [("just now", "2026-11-30T00:53:00Z"), ("2 days ago", "2026-11-28T00:53:20Z")]
    assert times[3][0] == "21 October 2026"


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1e300, 1e300, -1.0])
def test_any_number_is_a_time(time: float) -> None:
    entry = SessionEntry(id="s", started_at=time, last_used_at=time)
    Parsed(render(SessionsPage(action="/s", form_token="f", entries=(entry,), now=NOW)).content)
    Parsed(render(SessionsPage(action="/s", form_token="f", entries=(entry,), now=time)).content)


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("failure-")])
def test_a_failure_has_its_status(name: str) -> None:
    page = PAGES[name]
    assert isinstance(page, FailurePage)
    assert page.failure.status in (400, 403, 404, 429, 503)
    assert (page.failure.status == 429) == ("in 45 seconds" in Parsed(render(page).content).one("main").text)


# Links


@pytest.mark.parametrize(
    "url, is_there",
    [
        ("/login?next=%2Forders", True),
        ("../login", True),
        ("?again", True),
        ("https://login.example/", True),
        ("", False),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)", False),
        ("\tjavascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//other.example", False),
        ("/\\other.example", False),
        ("/a b", False),
        ("/\u202e", False),
    ],
)
def test_a_page_links_to_pages_only(url: str, *, is_there: bool) -> None:
    links = [each.attributes["href"] for each in Parsed(render(LoggedOutPage(login_url=url)).content).all("a")]
    assert links == ([url] if is_there else [])


# Templates of the application


def test_a_template_of_the_application_makes_the_page_and_the_headers_stay() -> None:
    def template(page: Page, texts: Texts) -> str | None:
        if not isinstance(page, LoginPage):
            return None
        said = problem_sentence(page.problem, texts) if page.problem else ""
        return f"<!doctype html><title>{texts.log_in}</title><p>{said}"

    page = replace(LOGIN, problem=ProblemCode.WRONG_CREDENTIALS)
    document = render(page, LOOK, texts=texts_of("de"), template=template)
    assert document.content.decode() == (
        "<!doctype html><title>Anmelden</title><p>Der Benutzername oder das Passwort ist falsch."
    )
    own = dict(render(page, LOOK, texts=texts_of("de")).headers)
    headers = dict(document.headers)
    assert {name for name in headers if headers[name] != own[name]} == {"Content-Security-Policy"}
    assert policy_of(page, template=template) == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert render(PAGES["logged-out"], template=template) == render(PAGES["logged-out"])
    assert render(LOGIN, template=lambda page, texts: b"\xff").content == b"\xff"
    assert render(LOGIN, template=lambda page, texts: "\ud800").content == b"?"


def test_the_name_of_the_application_may_be_left_out() -> None:
    parsed = Parsed(render(LOGIN).content)
    assert parsed.one("title").text == "Log in"
    assert parsed.all("header") == parsed.all("footer") == []
    assert re.search(r"<h1>Log in</h1>", render(LOGIN).content.decode())


def test_who_needs_the_escaping_loads_no_page_and_no_language() -> None:
    loaded = (
        "import sys, authmw.openapi; print(sorted(name for name in sys.modules if name.startswith('authmw.pages.')))"
    )
    assert fresh_python("-c", loaded).stdout == "['authmw.pages.escaping', 'authmw.pages.policy']\n"
