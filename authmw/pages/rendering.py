"""`render`: the document of any page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, assert_never

from authmw.pages import email_pages, failure_pages, login_pages, password_pages, session_pages
from authmw.pages.document import Document, document
from authmw.pages.email_pages import EmailVerifiedPage, LinkExpiredPage, VerifyEmailPage
from authmw.pages.failure_pages import FailurePage
from authmw.pages.languages.english import ENGLISH
from authmw.pages.languages.texts import Texts
from authmw.pages.login_pages import LoggedOutPage, LoginPage, LogOutPage, StepPage
from authmw.pages.look import Look
from authmw.pages.markup import Html, element
from authmw.pages.parts import Body
from authmw.pages.password_pages import ChangePasswordPage, ForgottenPasswordPage, ResetPasswordPage
from authmw.pages.policy import checked_origins
from authmw.pages.session_pages import SessionsPage
from authmw.pages.style import sheet

Page = (
    LoginPage
    | StepPage
    | LogOutPage
    | LoggedOutPage
    | ChangePasswordPage
    | ForgottenPasswordPage
    | ResetPasswordPage
    | VerifyEmailPage
    | EmailVerifiedPage
    | LinkExpiredPage
    | SessionsPage
    | FailurePage
)
"""Any page."""

Template = Callable[[Page, Texts], str | bytes | None]
"""A function of the application that makes the HTML of a page; None for a page that it leaves as it is."""

_PLAIN: Final = Look()


def render(
    page: Page,
    look: Look = _PLAIN,
    *,
    texts: Texts = ENGLISH,
    form_origins: Iterable[str] = (),
    template: Template | None = None,
) -> Document:
    """The document of a page: bytes and headers.

    Every value of `page` is escaped. There is no script in it, nothing of another host is loaded, and no other site can
    frame it: the policy says so (CSP Level 3).

    Args:
        page: what is shown.
        look: the look of the application.
        texts: of the language.
        form_origins: other origins to which the response to a form may redirect. Browsers hold ``form-action`` against
            these too.
        template: makes the HTML in place of the page's own. The headers stay; the policy allows style sheets, images
            and fonts of the same origin then, and still no script.

    Raises:
        ConfigurationError: one of `form_origins` is no origin.

    >>> from authmw.pages import LoggedOutPage, render
    >>> document = render(LoggedOutPage(login_url="/login"))
    >>> b"<h1>You are logged out</h1>" in document.content, dict(document.headers)["Cache-Control"]
    (True, 'no-store')
    """
    targets = ("'self'", *checked_origins(form_origins, "form_origins"))
    made = None if template is None else template(page, texts)
    if made is not None:
        own = {"style-src": ["'self'"], "img-src": ["'self'", "data:"], "font-src": ["'self'"]}
        return document(made, language=texts.tag, sources=own, forms=targets)
    body = _body(page, texts)
    sources = {"style-src": [sheet(look).source], "img-src": look.image_sources}
    return document(
        f"<!doctype html>\n{_html(body, look, texts).text}\n",
        language=texts.tag,
        sources=sources,
        forms=targets if body.has_form else (),
    )


def _body_of_login(page: LoginPage | StepPage | LogOutPage | LoggedOutPage, texts: Texts) -> Body:
    match page:
        case LoginPage():
            return login_pages.login(page, texts)
        case StepPage():
            return login_pages.step(page, texts)
        case LogOutPage():
            return login_pages.log_out(page, texts)
        case LoggedOutPage():
            return login_pages.logged_out(page, texts)
        case _:
            assert_never(page)


def _body(page: Page, texts: Texts) -> Body:
    match page:
        case LoginPage() | StepPage() | LogOutPage() | LoggedOutPage():
            return _body_of_login(page, texts)
        case ChangePasswordPage():
            return password_pages.change_password(page, texts)
        case ForgottenPasswordPage():
            return password_pages.forgotten_password(page, texts)
        case ResetPasswordPage():
            return password_pages.reset_password(page, texts)
        case VerifyEmailPage():
            return email_pages.verify_email(page, texts)
        case EmailVerifiedPage():
            return email_pages.email_verified(page, texts)
        case LinkExpiredPage():
            return email_pages.link_expired(page, texts)
        case SessionsPage():
            return session_pages.sessions(page, texts)
        case FailurePage():
            return failure_pages.failure(page, texts)
        case _:
            assert_never(page)


def _html(body: Body, look: Look, texts: Texts) -> Html:
    title = f"{body.title} \N{EN DASH} {look.name}" if look.name else body.title
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        # The problem first: that is what a screen reader reads first, and what a narrow tab shows.
        element("title", texts.error_title.replace("{title}", title) if body.has_problem else title),
        element("style", Html(sheet(look).css)),
    )
    main = element("main", element("h1", body.title), body.content, class_="wide" if body.is_wide else None)
    return element(
        "html", head, element("body", _header(look), main, _footer(look, texts)), lang=texts.tag, dir=texts.direction
    )


def _header(look: Look) -> Html | None:
    if not look.name and not look.logo:
        return None
    logo = element("img", src=look.logo, alt="") if look.logo else None
    return element("header", logo, element("span", look.name) if look.name else None)


def _footer(look: Look, texts: Texts) -> Html | None:
    links = [
        element("a", label, href=url, rel="noreferrer")
        for label, url in ((texts.imprint, look.imprint), (texts.privacy, look.privacy))
        if url
    ]
    return element("footer", *links) if links else None
