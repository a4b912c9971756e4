"""What the login pages are made with: the session scheme, stores, look, lifetimes, and how mails are sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from typing import Any

from authmw.crypto.opaque_tokens import Entropy
from authmw.crypto.passwords import PasswordHasher
from authmw.errors import ConfigurationError
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import STORE_TIMEOUT
from authmw.flow.pool import WorkPool, default_pool
from authmw.http.location import Location, mistake_in_url
from authmw.http.next_path import safe_next
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.login.forms import FormGuard
from authmw.login.kept import KeptForLogin
from authmw.login.lifetimes import SessionLifetimes
from authmw.login.mail import Mail, Outbox, SendMail
from authmw.login.passwords import PasswordPolicy
from authmw.login.recovery import Link, Links
from authmw.login.sessions import BrowserSessions, Headers
from authmw.login.steps import LoginStep, PasswordStep
from authmw.pages import Look, Page, Template, Texts, language_of, render, texts_of
from authmw.schemes.session import Session

TOKEN: str = "token"  # noqa: S105 - the name of a parameter
"""The parameter of a link in a mail with its secret."""


class LoginSettings:
    """What the login pages are made with; `authmw.login.LoginPages` says what each argument is."""

    def __init__(
        self,
        session: Session,
        stores: object,
        *,
        public_url: str = "",
        send_mail: SendMail | None = None,
        home: str = "/",
        look: Look | None = None,
        template: Template | None = None,
        languages: Collection[str] = (),
        lifetimes: SessionLifetimes | None = None,
        steps: Iterable[LoginStep] = (),
        remember_me: bool = True,
        shortest_password: int = 8,
        password_policy: PasswordPolicy | None = None,
        hasher: PasswordHasher | None = None,
        pool: WorkPool = default_pool,
        store_timeout: Seconds = STORE_TIMEOUT,
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        steps = tuple(steps)
        mistakes = [*_mistakes(session, public_url, send_mail, home, shortest_password), *_in_steps(steps)]
        kept: Any = None
        try:
            kept = KeptForLogin(stores, feed=getattr(session, "feed", None), clock=clock)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        hasher = hasher or PasswordHasher()
        self.session: Session = session
        self.kept: KeptForLogin = kept
        self.public_url: str = public_url.rstrip("/")
        self.home: str = home
        self.look: Look = look or Look()
        self.languages: tuple[str, ...] = tuple(languages)
        self.steps: tuple[LoginStep, ...] = tuple(steps)
        self.entropy: Entropy = entropy
        self.lifetimes: SessionLifetimes = lifetimes or SessionLifetimes()
        self.sessions: BrowserSessions = BrowserSessions(session, kept, self.lifetimes, entropy=entropy)
        self.password: PasswordStep = PasswordStep(kept.users, hasher=hasher, throttle=kept.throttle, clock=clock)
        self.links: Links = Links(kept, self.lifetimes, hasher, entropy=entropy)
        self.outbox: Outbox | None = None if send_mail is None else Outbox(send_mail)
        self.pool: WorkPool = pool
        self.store_timeout: float = seconds(store_timeout, "store_timeout")
        self.template: Template | None = template
        self.remember_me: bool = remember_me
        self.shortest: int = shortest_password
        self.policy: PasswordPolicy | None = password_policy
        self.clock: Callable[[], float] = clock
        origins = {Location.of(public_url).base} if public_url else set[str]()
        self.forms: FormGuard = FormGuard(session.origins | origins, entropy=entropy)

    def language(self, request: RequestHead) -> str:
        """The language of whoever sent `request`."""
        offered = [self.languages] if self.languages else []
        return language_of(request.header("accept-language"), *offered)

    def page(self, page: Page, request: RequestHead, status: int = 200, headers: Headers = ()) -> Response:
        """The response with a page, in the language of the request."""
        texts = texts_of(self.language(request))
        document = render(page, self.look, texts=texts, template=self.template)
        length = ("Content-Length", str(len(document.content)))
        vary = ("Vary", "Cookie, Accept-Language")
        return Response(status, (*document.headers, length, vary, *headers), document.content)

    def send_link(self, link: Link, make: Callable[..., Any], path: str, language: str) -> None:
        """Send a mail with a link.

        Args:
            link: the link.
            make: makes the text of the mail.
            path: of the page that the link leads to.
            language: of the mail.
        """
        url = f"{self.public_url}{path}?{TOKEN}={link.token}"
        self.send(link.user.email, make, language, username=link.user.username, link=url, lifetime=link.seconds)

    def send(self, to: str, make: Callable[..., Any], language: str, **values: Any) -> None:
        """Send a mail. `make` makes its text of `values`."""
        if self.outbox is not None:
            texts: Texts = texts_of(language)
            text = make(name=self.look.name, texts=texts, **values)
            self.outbox.put(Mail(to, text.subject, text.body, language))


def _in_steps(steps: tuple[object, ...]) -> list[str]:
    names = [getattr(step, "name", None) for step in steps]
    mistakes = [
        f"steps= takes steps of a login, not {type(step).__name__}: it needs name, amr, fields, is_needed and check"
        for step in steps
        if isinstance(step, type) or not all(hasattr(step, name) for name in _OF_STEPS)
    ]
    return mistakes if mistakes or len(set(names)) == len(names) else [f"steps= have one name twice: {names}"]


_OF_STEPS = ("name", "amr", "fields", "is_needed", "check")


def _mistakes(session: object, public_url: str, send_mail: object, home: str, shortest: object) -> list[str]:
    mistakes: list[str] = []
    if not isinstance(session, Session):
        given = session.__name__ if isinstance(session, type) else type(session).__name__
        mistakes.append(f"LoginPages needs the Session of the Auth, not {given}: write LoginPages(session, stores)")
    wrong = mistake_in_url(public_url, query=False) if public_url else ""
    if wrong:
        mistakes.append(f'public_url={public_url!r}: {wrong}; write public_url="https://shop.example/auth"')
    if send_mail is not None and not callable(send_mail):
        mistakes.append("send_mail= is a function of a Mail: write send_mail=lambda mail: ...")
    if send_mail is not None and not public_url:
        mistakes.append('send_mail= needs public_url=, which links begin with: public_url="https://shop.example/auth"')
    if safe_next(home, "") != home or not home:
        mistakes.append(f'home={home!r} has to be a path of this application: home="/"')
    if type(shortest) is not int or not 1 <= shortest <= 64:
        mistakes.append(f"shortest_password={shortest!r} has to be a number of characters from 1 to 64")
    return mistakes
