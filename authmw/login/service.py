"""`LoginPages`: the pages to log in and out, to change or recover a password, to verify an address, and of sessions.

They are plain forms: no script is needed. A flow answers each, for WSGI and ASGI alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authmw.engine import audit
from authmw.errors import ConfigurationError, Unavailable, explains_arguments
from authmw.flow.flow import Ask, Flow
from authmw.flow.pool import WorkPool
from authmw.http.form import BadForm, Form, read_form
from authmw.http.refusal import Body, Refusal
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.verdict import Rejected
from authmw.login import further_steps, login, mailed, my_sessions, password
from authmw.login.paths import MAILED
from authmw.login.refused import body_of
from authmw.login.settings import LoginSettings
from authmw.login.told import Told
from authmw.login.visit import Visit, retry_after
from authmw.pages import Failure, verification_mail
from authmw.stores.records import User
from authmw.verifiers.accounts import checked_user

_READ: Final = ("GET", "HEAD")


@explains_arguments('LoginPages(Session(stores), stores, public_url="https://shop.example")')
class LoginPages(LoginSettings):
    """Pages to log in and out, for the sessions of a `Session`.

    ``/login``, ``/logout``, ``/password`` and ``/sessions`` are always there; ``/login/step`` with `steps`, and
    ``/forgotten``, ``/reset`` and ``/verify`` with `send_mail`. They are public, and look at the session themselves.

    Args:
        session: the scheme, as in the `Auth` of the application.
        stores: the stores of users, sessions, what is pending, tokens, revocations and the throttle, as `SQLStores`.
        public_url: where browsers find the pages: ``https://shop.example/auth``. Links in mails begin with it, and
            never with what a request says.
        send_mail: a function of the application that sends a `Mail`. It is called on a thread.
        home: the path to go to after a login that asked for no page.
        look: the name and the colours of the application.
        template: makes pages in place of authmw's own.
        languages: the languages to choose from, the default first; all by default.
        lifetimes: how long sessions and links live.
        steps: further steps of a login after the password, in order, as for one-time codes.
        remember_me: whether the login page offers to be remembered.
        shortest_password: the least number of characters of a new password (ASVS 6.2.1).
        password_policy: a further check of new passwords, as against a list of those that leaked.
        hasher: verifies and makes password hashes.
        pool: the threads that passwords are hashed in.
        store_timeout: seconds that a store may take to answer under ASGI; after that the response is a 503.
        clock: seconds since the epoch.
        entropy: makes random bytes.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> from authmw import Session
    >>> from authmw.stores import MemoryStores
    >>> stores = MemoryStores()
    >>> LoginPages(Session(stores), stores).paths
    ('/login', '/logout', '/password', '/sessions', '/sessions/end-all')
    """

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its pages, below that of the mount."""
        missing = {*(MAILED if self.outbox is None else ()), *(() if self.steps else ("/login/step",))}
        return tuple(path for path in HANDLERS if path not in missing)

    def respond(self, request: RequestHead, path: str | None = None) -> Flow[Response | None]:
        """The response to a request for one of the pages; None for another path.

        Args:
            request: the request.
            path: of the page, below that of the mount; by default the path of the request.
        """
        path = request.path if path is None else path
        if path not in self.paths:
            return None
        visit = Visit(self, request, path, None)
        if request.method not in (*_READ, "POST"):
            return visit.failure(Failure.NOT_FOUND, status=405, headers=(("Allow", "GET, HEAD, POST"),))
        try:
            return (yield from self._respond(visit))
        except Unavailable as error:
            audit.unavailable(error, request)
            return visit.failure(Failure.UNAVAILABLE, headers=retry_after(error.retry_after))

    def body_of(self, refusal: Refusal, request: RequestHead) -> Body:
        """The body of a refusal: a page for a person, for all others the problem document.

        ``Auth(session, login="/auth/login", render=pages.body_of)`` shows a page for a 403, and for a form that was
        sent after the end of the session. `LocalAuth` does so itself. Status and headers are those of the refusal.
        """
        return body_of(self, refusal, request)

    def send_verification(self, user: User, language: str = "en") -> Flow[bool]:
        """Send a mail with a link that verifies the address of `user`. False if it has none, or it is verified.

        It is a flow: run it by `authmw.flow.run`, or await `authmw.flow.run_async`.
        """
        link = yield from self.links.for_address(user)
        if link is None or self.outbox is None:
            return False
        self.send_link(link, verification_mail, "/verify", language)
        return True

    def log_in(
        self, request: RequestHead, user_id: str, *, remember: bool = False, amr: tuple[str, ...] = ()
    ) -> Flow[tuple[str, str] | None]:
        """Begin a session for a user whom the application has authenticated itself, as by a directory.

        What the login page does beside that is the application's then: to limit attempts, and to check where the form
        came from. A session that the browser has already is renewed, or ends if it is that of another user.

        It is a flow, as `send_verification`.

        Args:
            request: the request of the login.
            user_id: the id of the user.
            remember: whether the user asked to be remembered.
            amr: how the user was authenticated (RFC 8176), as ``("pwd",)``.

        Returns:
            The header that sets the cookie, for the response; None if there is no such user, or it is disabled.
        """
        told, began = Told(request), self.clock()
        user = checked_user((yield from Ask(self.kept.users.find_by_id, user_id)), "find_by_id")
        if user is None or user.id != user_id or user.disabled:
            return None
        begun = yield from self.sessions.begin(request, user, amr=amr, remember=remember, authenticated_at=began)
        if isinstance(begun, Rejected):
            told.refused(begun)
            return None
        told.logged_in(user, begun[0].id)
        return begun[1]

    def log_out(self, request: RequestHead) -> Flow[tuple[str, str]]:
        """End the session of the cookie of `request`, with all that belongs to it, if there is one.

        It is a flow, as `send_verification`.

        Returns:
            The header that clears the cookie, for the response.
        """
        Told(request).ended((yield from self.sessions.end_presented(request)))
        return self.session.cleared

    def _respond(self, visit: Visit) -> Flow[Response]:
        shown, posted = HANDLERS[visit.path]
        is_post = visit.request.method == "POST"
        if is_post and self.forms.is_from_elsewhere(visit.request):
            return visit.failure(Failure.CROSS_SITE)
        visit.caller = yield from self.sessions.caller(visit.request)
        if not is_post:
            return (yield from shown(visit))
        form = yield from read_form(visit.request)
        if isinstance(form, BadForm):
            return visit.failure(Failure.BAD_REQUEST, status=form.status)
        return (yield from posted(visit, form))


Shown = Callable[[Visit], Flow[Response]]
Posted = Callable[[Visit, Form], Flow[Response]]

HANDLERS: Final[dict[str, tuple[Shown, Posted]]] = {
    "/login": (login.show_login, login.log_in),
    "/login/step": (further_steps.show_step, further_steps.pass_step),
    "/logout": (login.show_logout, login.log_out),
    "/password": (password.show_password, password.change_password),
    "/forgotten": (mailed.show_forgotten, mailed.ask_for_link),
    "/reset": (mailed.show_reset, mailed.reset_password),
    "/verify": (mailed.show_verify, mailed.verify_email),
    "/sessions": (my_sessions.show_sessions, my_sessions.end_session),
    "/sessions/end-all": (my_sessions.show_end_all, my_sessions.end_all),
}
"""Path → what answers a GET, and what answers a POST."""


class RoutedPage:
    """What a framework's adapter mounts at the route of one page.

    Args:
        pages: the login pages.
        path: of the page, below that of the mount.
    """

    def __init__(self, pages: LoginPages, path: str) -> None:
        self.pages = pages
        self.path = path
        self.pool: WorkPool = pages.pool
        self.store_timeout: float = pages.store_timeout

    def respond(self, request: RequestHead) -> Flow[Response | None]:
        """The response to `request`, whatever its path is."""
        return self.pages.respond(request, self.path)


def check_pages(pages: object, mount: str) -> None:
    """Check what an adapter was given as login pages.

    Args:
        pages: the argument.
        mount: the function that got it, for the message.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(pages, LoginPages):
        given = pages.__name__ if isinstance(pages, type) else type(pages).__name__
        raise ConfigurationError(
            f"{given} is no LoginPages: write {mount}(pages), where pages = LoginPages(session, stores)"
        )
