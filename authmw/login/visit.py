"""One visit of a login page: the request, and the responses that every page makes alike."""

from __future__ import annotations

from authmw.http.form import Form
from authmw.http.next_path import NEXT, mount_seen
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.login.sessions import Headers, LoggedInUser
from authmw.login.settings import LoginSettings
from authmw.pages import Failure, FailurePage


class Visit:
    """One request for a page.

    Args:
        pages: what the pages are made with.
        request: the request.
        path: of the page, below that of the mount.
        caller: whose session it is; None without one.
    """

    def __init__(self, pages: LoginSettings, request: RequestHead, path: str, caller: LoggedInUser | None) -> None:
        self.pages = pages
        self.request = request
        self.path = path
        self.caller = caller
        self._base = mount_seen(request, path)

    def url(self, path: str) -> str:
        """The path of a page, from the root of the host, as the browser sees it."""
        return self._base + path

    @property
    def language(self) -> str:
        """The language of the caller."""
        return self.pages.language(self.request)

    def token(self) -> tuple[str, Headers]:
        """A form token, and the headers that a page with it needs."""
        return self.pages.forms.token_for(self.request, self.caller)

    def holds(self, form: Form) -> bool:
        """Whether the form is one of this browser."""
        return self.pages.forms.holds(self.request, form, self.caller)

    def query(self, name: str) -> str | None:
        """A parameter of the query that is there once."""
        try:
            values = self.request.query(name)
        except ValueError:
            return None
        return values[0] if len(values) == 1 else None

    def failure(self, failure: Failure, *, status: int | None = None, headers: Headers = ()) -> Response:
        """A page that says what did not work."""
        page = FailurePage(failure=failure, again_url=self.url(self.path))
        return self.pages.page(page, self.request, failure.status if status is None else status, headers)

    def to_login(self) -> Response:
        """The redirect of a page that needs a session."""
        return redirect(f"{self.url('/login')}?{NEXT}={self.url(self.path)}")


def redirect(to: str, headers: Headers = ()) -> Response:
    """A 303, which a browser follows by GET, so that no password is sent on (RFC 9700 §4.12)."""
    own: Headers = (
        ("Location", to),
        ("Content-Length", "0"),
        ("Content-Type", "text/plain"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
    )
    return Response(303, (*own, *headers), b"")


def retry_after(seconds: int | None) -> Headers:
    """The header of a response that asks to wait (RFC 9110 §10.2.3)."""
    return () if seconds is None else (("Retry-After", str(seconds)),)
