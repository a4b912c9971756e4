"""Forms of the login pages: who may post them.

A form has a token that is bound to this browser: to the session, or before a login to a cookie of its own, so that a
page of another site can log nobody in to the attacker's account (login CSRF). Headers that tell of another site refuse
the form in any case.
"""

from __future__ import annotations

import os
import re
from typing import Final

from authmw.crypto.form_tokens import is_form_token, new_form_token
from authmw.crypto.opaque_tokens import Entropy, base62
from authmw.http.cookies import cookies_named
from authmw.http.form import FORM_FIELD, Form
from authmw.http.origin import Cause, cause_of
from authmw.http.request import RequestHead
from authmw.login.sessions import Headers, LoggedInUser

FORM_COOKIE: Final = "__Host-form"
"""The cookie that the forms of a browser without a session are bound to."""
_LENGTH: Final = 30
_SECRET: Final = re.compile(rf"[0-9A-Za-z]{{{_LENGTH}}}")


class FormGuard:
    """Makes form tokens, and checks them.

    Args:
        origins: the origins of the application's pages.
        entropy: makes random bytes.
    """

    def __init__(self, origins: frozenset[str], *, entropy: Entropy = os.urandom) -> None:
        self._origins = origins
        self._entropy = entropy

    def token_for(self, request: RequestHead, caller: LoggedInUser | None) -> tuple[str, Headers]:
        """A token for the form of a page, and the headers that the page needs for it."""
        if caller is not None:
            return new_form_token(caller.token.family, entropy=self._entropy), ()
        secret = _secret_in(request)
        if secret:
            return new_form_token(secret, entropy=self._entropy), ()
        secret = base62(self._entropy(32), _LENGTH)
        # Without Max-Age: it ends with the browser. A page that stays open longer gets another form.
        cookie = ("Set-Cookie", f"{FORM_COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax")
        return new_form_token(secret, entropy=self._entropy), (cookie,)

    def is_from_elsewhere(self, request: RequestHead) -> bool:
        """Whether a header tells that a page of another site caused the request."""
        return cause_of(request, self._origins) is Cause.OTHER_SITE

    def holds(self, request: RequestHead, form: Form, caller: LoggedInUser | None) -> bool:
        """Whether the form has a token of this browser: of its session, or from before its login in another tab."""
        given = form.get(FORM_FIELD)
        secrets = (_secret_in(request), "" if caller is None else caller.token.family)
        return any(is_form_token(given, secret) for secret in secrets if secret)


def _secret_in(request: RequestHead) -> str:
    values = cookies_named(request, FORM_COOKIE)
    return values[0] if len(values) == 1 and _SECRET.fullmatch(values[0]) else ""
