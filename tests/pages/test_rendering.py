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
    FailurePage,
    LoggedOutPage,
    LoginPage,
    Look,
    Page,
    ProblemCode,
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


def test_tokens_are_not_in_the_repr_of_a_page() -> None:
    shown = repr(replace(LOGIN, form_token="s3cret")) + repr(PAGES["reset"]) + repr(PAGES["verify"])
    assert "s3cret" not in shown
    assert "token=" not in shown


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
