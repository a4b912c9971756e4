"""Scheme for browser sessions: an opaque value in a cookie, and a session in a store.

A browser sends its cookies with every request, also with one that a page of another site caused. So a request that may
change something has to come from a page of the application: ``Sec-Fetch-Site`` tells, or ``Origin``, or, where a proxy
or a program leaves out both, a form token. A link from another site is a GET, and passes.

A cookie that authenticates nobody counts as absent, since the browser sends it without being asked: public pages are
served, and others are refused. Both answers clear a cookie that is dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from authmw.crypto.chained_tokens import SessionToken
from authmw.crypto.form_tokens import new_form_token
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.http.challenge import Challenge
from authmw.http.cookies import checked_cookie_name, cookies_named, only_value
from authmw.http.origin import Cause, cause_of, checked_origins, is_unsafe
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.set_cookie import clearing
from authmw.identity.credentials import SessionValue
from authmw.identity.verdict import Rejected, Remembered
from authmw.schemes.base import SecurityScheme, is_dead
from authmw.stores.ports import require_methods
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.session_records import BrowserSession
from authmw.stores.stores import as_stores
from authmw.verifiers.session import SessionVerifier

if TYPE_CHECKING:
    from authmw.stores.ports import RevocationStore

SESSION_COOKIE: Final = "__Host-session"
"""Default name of the cookie of a browser session."""

_LINE: Final = 'Session(SQLStores("sqlite:///app.db"))'


@explains_arguments(_LINE)
class Session(SecurityScheme[SessionValue]):
    """Browser sessions: ``Auth(Session(stores) | HTTPBearer(...))`` serves pages and API calls alike.

    Methods other than GET, HEAD and OPTIONS, and websockets, need ``Sec-Fetch-Site: same-origin``; without that header
    an ``Origin`` among `origins`; without both, the form token of the session, in the field ``csrf_token`` or in the
    header ``X-CSRF-Token``. So views must not change anything on GET.

    Args:
        stores: the stores of sessions, users and revocations, as `SQLStores`.
        origins: the origins of the application's pages, as a browser writes them. Websockets need them, since
            Chromium sends no ``Sec-Fetch-Site`` with their handshakes, and so do pages without TLS.
        cookie: its name. No other host and no page without TLS can set a ``__Host-`` cookie (RFC 6265bis §4.1.3.2).
        revocations: the feed that tells what has ended; one of `stores` unless given.
        remember_for: seconds for which this process remembers a session that it has verified. What has ended is refused
            within the bound of the feed all the same.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> from authmw.stores import MemoryStores
    >>> Session(MemoryStores()).openapi()
    {'type': 'apiKey', 'in': 'cookie', 'name': '__Host-session'}
    """

    extracts: ClassVar[type | None] = SessionValue
    in_cookie = True
    vary = "Cookie"

    def __init__(
        self,
        stores: object,
        *,
        origins: Iterable[str] = (),
        cookie: str = SESSION_COOKIE,
        revocations: RevocationFeed | None = None,
        remember_for: Seconds = 60.0,
        name: str = "",
        description: str = "",
        clock: Callable[[], float] = now,
    ) -> None:
        given: Any = as_stores(stores)
        mistakes: list[str] = []
        for role, methods in _NEEDED.items():
            try:
                require_methods(f"Session(stores).{role}", getattr(given, role, None), *methods)
            except ConfigurationError as error:
                mistakes += [f"{mistake.partition(':')[0]}: write {_LINE}" for mistake in error.mistakes]
        self.origins: frozenset[str] = frozenset()
        try:
            each = [origins] if isinstance(origins, str) else list(origins)
            self.origins = checked_origins(each, type(self).__name__) if each else frozenset()
        except ConfigurationError as error:
            mistakes += error.mistakes
        try:
            self.cookie: str = checked_cookie_name(cookie)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        published: RevocationStore | None = getattr(given, "revocations", None)
        if revocations is None and published is not None:
            revocations = RevocationFeed(published, clock=clock)
        self.feed: RevocationFeed | None = revocations
        """Tells what has ended; None where `stores` have no revocations."""
        self.sessions: SessionVerifier = SessionVerifier(
            given.sessions,
            given.users,
            cookie=self.setting,
            revocations=revocations,
            remember_for=remember_for,
            clock=clock,
        )
        """Verifies its cookies."""
        self._clock = clock
        self._cookie_name: bytes = self.cookie.encode()
        super().__init__(self.sessions, name=name, description=description)

    def extract(self, request: RequestHead) -> SessionValue | Rejected | None:
        """The value of the cookie, if there is exactly one, and no other site caused the request."""
        values = cookies_named(request, self.cookie)
        if not values:
            return None
        value, *others = values
        if others:
            # Another host can add a nameless one that looks alike. No mistake of the client, so no 400: log in again.
            return Rejected(Reason.SESSION_ENDED, "more than one cookie of this name, or one that looks alike")
        if not is_unsafe(request):
            return SessionValue(value)
        cause = cause_of(request, self.origins)
        if cause is Cause.OTHER_SITE:
            return Rejected(
                Reason.CROSS_SITE,
                f"Sec-Fetch-Site is {request.header('sec-fetch-site')!a}, Origin is {request.header('origin')!a}",
            )
        return SessionValue(value, needs_form_token=cause is Cause.UNKNOWN)

    def recall(self, request: RequestHead) -> Remembered | None:
        """The verdict that this process remembers for the cookie; None where the stores have to be asked."""
        credentials = self.extract(request)
        if not isinstance(credentials, SessionValue) or credentials.needs_form_token:
            return None
        return self.sessions.recall(b"=" + credentials.value.encode())

    def recall_cookies(self, cookies: bytes) -> Remembered | None:
        """The verdict that this process remembers for a ``Cookie`` header, as for a GET."""
        written = only_value(cookies, self._cookie_name)
        return None if written is None else self.sessions.recall(written)

    @property
    def recalls_cookies(self) -> bool:
        """Whether a subclass leaves it to the cookie alone."""
        kind, own = type(self), vars(self)
        return (
            (kind.extract, kind.recall) == (Session.extract, Session.recall)
            and "extract" not in own
            and "recall" not in own
        )

    def form_token(self, request: RequestHead) -> str:
        """A token for a form of the page that answers `request`; empty without a session."""
        values = cookies_named(request, self.cookie)
        token = SessionToken.parse(values[0]) if len(values) == 1 else None
        return "" if token is None else new_form_token(token.family)

    def setting(self, session: BrowserSession, value: str) -> tuple[str, str]:
        """The ``Set-Cookie`` header for a session (RFC 6265 §4.1). A cookie without ``Max-Age`` ends with the browser.

        ``__Host-`` asks for ``Secure`` and ``Path=/``, and for no ``Domain`` (RFC 6265bis §4.1.3.2).
        """
        lasting = f"; Max-Age={max(int(session.expires_at - self._clock()), 0)}" if session.remembered else ""
        return "Set-Cookie", f"{self.cookie}={value}{lasting}; Path=/; Secure; HttpOnly; SameSite=Lax"

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``ApiKey realm="…", cookie="__Host-session"``, as for API keys: IANA has no scheme for cookies."""
        return Challenge("ApiKey", (("realm", realm), ("cookie", self.cookie)))

    def clearing(self, rejected: Rejected) -> tuple[tuple[str, str], ...]:
        """The header that clears a dead cookie; none if another site made the browser send it: it may be good."""
        return (self.cleared,) if is_dead(rejected) else ()

    @property
    def cleared(self) -> tuple[str, str]:
        """The ``Set-Cookie`` header that clears the cookie."""
        return clearing(self.cookie, same_site="Lax")

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": "cookie", "name": …}``."""
        return self._described({"type": "apiKey", "in": "cookie", "name": self.cookie})


_NEEDED: Final = {
    "sessions": ("find_session", "renew_session", "touch_session"),
    "users": ("find_by_id",),
}
