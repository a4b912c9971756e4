"""Callers of a soak that do several things in turn: log in, use, refresh and end what they were given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import Any, Final

from authmw.crypto.keyring import KeyRing
from authmw.testing import DPoPClient, FakeIssuer
from tests.fleet.apps import KEPT, PUBLIC_URL
from tests.fleet.asking import Answer, Headers, ask, basic, bearer, log_in, refresh, revoke, whoami
from tests.fleet.backends import Backend
from tests.fleet.settings import API_CLIENT, AUDIENCE, BOUND_ISSUER, PASSWORD
from tests.soak.notes import Check, Notes, is_of

_RENEW: Final = 60.0
"""Seconds after which an access token is asked for anew."""
_URL: Final = f"{PUBLIC_URL}/whoami"
_GONE: Final = (401, 403)
_SAME_SITE: Final = {"Sec-Fetch-Site": "same-origin"}
_CROSS_SITE: Final = {"Sec-Fetch-Site": "cross-site"}
INTROSPECTED: Final = 2.0 + 5.0
"""Seconds that an API may wait for a thread and then for the authorization server."""


class Session:
    """A login, and what its user does with it.

    Args:
        notes: of the soak.
        port: the server.
        username: the user.
        place: where the user is to be added; None if it is there already.
        other: the server at which the session is ended; the same one by default.
    """

    def __init__(
        self, notes: Notes, port: int, username: str, place: Backend | None = None, other: int | None = None
    ) -> None:
        self._notes = notes
        self._port = port
        self._other = port if other is None else other
        self._name = username
        self._tokens: dict[str, Any] = {}
        self._since = 0.0
        if place is not None:
            place.add_user(username)

    def use(self, kind: str) -> None:
        """Use an access token, which is replaced now and then."""
        if time.monotonic() > self._since + _RENEW and not self._log_in(kind) and not self._tokens:
            return
        self._ask(kind, self._port, (200,))

    def refresh(self, kind: str) -> None:
        """Refresh, with the same token again when there was no answer."""
        if not self._tokens and not self._log_in(kind):
            return
        answer = self._notes.note(kind, lambda: refresh(self._port, self._tokens["refresh_token"]), (200,))
        if answer is not None and answer.status == 200:
            self._tokens = answer.json
        elif answer is not None and answer.status != 503:
            self._tokens = {}

    def revoke(self, kind: str) -> None:
        """Revoke an access token at the other server, and use it at both."""
        self._end(kind, lambda: revoke(self._other, self._tokens["access_token"]))

    def log_out(self, kind: str) -> None:
        """End all logins at the other server, and use the access token at both."""
        self._end(kind, lambda: ask(self._other, "POST", "/log-out", bearer(self._tokens["access_token"])))

    def _end(self, kind: str, call: Callable[[], Answer]) -> None:
        if not self._log_in(kind):
            return
        self._ask(kind, self._port, (200,))
        answer = self._notes.note(kind, call, (200,))
        if answer is None or answer.status != 200:
            return  # it may be revoked or not
        self._notes.ended.wait(self._notes.bound)
        for port in (self._port, self._other) * 2:
            self._ask(kind, port, _GONE)

    def _log_in(self, kind: str) -> bool:
        answer = self._notes.note(kind, lambda: log_in(self._port, self._name), (200,))
        if answer is None or answer.status != 200:
            return False
        self._tokens, self._since = answer.json, time.monotonic()
        return True

    def _ask(self, kind: str, port: int, right: tuple[int, ...]) -> None:
        token = self._tokens["access_token"]
        check = is_of(self._name) if right == (200,) else None
        self._notes.note(kind, lambda: whoami(port, bearer(token)), right, check)


class Introspected(Session):
    """Tokens that the API and a client introspect at the server."""

    def __init__(self, notes: Notes, port: int, username: str, place: Backend, other: int) -> None:
        super().__init__(notes, port, username, place, other)
        assert place.settings.api_secret is not None
        self._secret = place.settings.api_secret

    def __call__(self, kind: str) -> None:
        """Use a token, have it introspected, revoke it at the other server, and do both again."""
        if not self._log_in(kind):
            return
        self._use(kind, self._port, (200,))
        self._introspect(kind, self._port, active=True)
        answer = self._notes.note(kind, lambda: revoke(self._other, self._tokens["access_token"]), (200,))
        if answer is None or answer.status != 200:
            return  # it may be revoked or not
        for port in (self._port, self._other):
            self._introspect(kind, port, active=False)  # it asks the store, and no feed
        self._notes.ended.wait(KEPT)
        for port in (self._port, self._other):
            self._use(kind, port, _GONE)

    def _use(self, kind: str, port: int, right: tuple[int, ...]) -> None:
        headers = {"X-Forwarded-Access-Token": self._tokens["access_token"]}
        check = is_of(self._name) if right == (200,) else None
        self._notes.note(kind, lambda: whoami(port, headers), right, check, longest=INTROSPECTED)

    def _introspect(self, kind: str, port: int, *, active: bool) -> None:
        secret, token = self._secret, self._tokens["access_token"]

        def check(answer: Answer) -> str:
            told = answer.json
            if told["active"] is not active:
                return f"introspected as active={told['active']}"
            return "" if not active or told["sub"] == self._name else "introspected as another's"

        headers = basic(API_CLIENT, secret)
        self._notes.note(kind, lambda: ask(port, "POST", "/auth/introspect", headers, {"token": token}), (200,), check)


class Pages:
    """A browser whose pages keep their tokens in cookies.

    Args:
        notes: of the soak.
        port: the server.
        username: the user, who is added.
        place: where to.
        other: the server at which the user logs out.
    """

    def __init__(self, notes: Notes, port: int, username: str, place: Backend, other: int) -> None:
        self._notes = notes
        self._port = port
        self._other = other
        self._name = username
        self._cookies: dict[str, str] = {}
        place.add_user(username)

    def __call__(self, kind: str) -> None:
        """Log in, use the cookies, also from another site, refresh, and log out at the other server."""
        form = {"username": self._name, "password": PASSWORD}
        if not self._given(kind, "/auth/login", _SAME_SITE, form):
            return
        self._ask(kind, self._port, (200,), is_of(self._name))
        self._notes.note(kind, lambda: ask(self._port, "POST", "/log-out", self._with(_CROSS_SITE)), (401,))
        if self._given(kind, "/auth/refresh", self._with(_SAME_SITE)):
            self._ask(kind, self._other, (200,), is_of(self._name))
        left = self._notes.note(kind, lambda: ask(self._other, "POST", "/auth/logout", self._with(_SAME_SITE)), (204,))
        if left is None or left.status != 204:
            return  # the session may be ended or not
        self._notes.ended.wait(self._notes.bound)
        for port in (self._port, self._other):
            self._ask(kind, port, (401,))
            self._ask(kind, port, (200,), self._is_cleared, path="/process")

    def _given(self, kind: str, path: str, headers: Headers, form: Mapping[str, str] | None = None) -> bool:
        """Take the cookies of an answer."""
        answer = self._notes.note(kind, lambda: ask(self._port, "POST", path, headers, form), (200,))
        if answer is None or answer.status != 200:
            return False
        self._cookies |= _set_by(answer)
        return True

    def _ask(
        self, kind: str, port: int, right: tuple[int, ...], check: Check | None = None, *, path: str = "/whoami"
    ) -> None:
        self._notes.note(kind, lambda: ask(port, "GET", path, self._with({})), right, check)

    def _with(self, headers: Headers) -> Headers:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()), **headers}

    def _is_cleared(self, answer: Answer) -> str:
        """A page for everybody is served as to nobody, and a dead cookie is cleared."""
        if answer.json["id"] == self._name:
            return "a dead cookie authenticates"
        return "" if _set_by(answer).get("__Host-access") == "" else "a dead cookie is kept"


def _set_by(answer: Answer) -> dict[str, str]:
    lines = [value for name, value in answer.reply.headers if name.lower() == "set-cookie"]
    return {morsel.key: morsel.value for line in lines for morsel in SimpleCookie(line).values()}


class Bound:
    """A client whose tokens are bound to its key. Each proof counts once, at whichever server.

    Args:
        notes: of the soak.
        port: the server.
        username: the user.
        place: where the keys of the issuer are.
        other: the server at which a proof is presented again.
    """

    def __init__(self, notes: Notes, port: int, username: str, place: Backend, other: int) -> None:
        assert place.settings.bound_keys is not None
        self._notes = notes
        self._ports = port, other
        self._name = username
        self._issuer = FakeIssuer(BOUND_ISSUER)
        self._issuer.ring = KeyRing.load(place.settings.bound_keys)
        self._client, self._thief = DPoPClient(), DPoPClient()

    def __call__(self, kind: str) -> None:
        """Use a token with a proof, twice; with the proof of another key; and without one."""
        port, other = self._ports
        token = self._issuer.token(self._name, audience=AUDIENCE, scopes=["orders:read"], cnf=self._client.confirmation)
        proven, stolen = (each.headers("GET", _URL, token=token) for each in (self._client, self._thief))
        first = self._ask(kind, port, proven, (200,), is_of(self._name))
        if first is not None and first.status == 200:
            self._ask(kind, port, proven, (401,))
            self._ask(kind, other, proven, (401,))
        self._ask(kind, port, stolen, (401,))
        self._ask(kind, port, bearer(token), (401,))

    def _ask(
        self, kind: str, port: int, headers: Headers, right: tuple[int, ...], check: Check | None = None
    ) -> Answer | None:
        return self._notes.note(kind, lambda: whoami(port, headers), right, check)
