"""Credentials of this API at an authorization server (RFC 6749 §2.3.1, RFC 6750 §2.1), never shown in a repr."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from authmw.errors import ConfigurationError
from authmw.http.grammar import is_token68
from authmw.issuers.fetching.fetch import FetchFailed

SecretMethod = Literal["client_secret_basic", "client_secret_post"]
"""Place of the secret in a request: the ``Authorization`` header or the form. Never the URL (RFC 6749 §2.3.1)."""

_METHODS: Final[tuple[SecretMethod, ...]] = get_args(SecretMethod)


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """A client's id and secret, or a bearer token.

    Args:
        client_id: as registered with the authorization server.
        client_secret: the secret of that client.
        method: the place of the secret in the request.
        bearer: in place of both: a token, or a function that returns the current one.

    >>> ApiCredentials.checked(client_id="orders-api", client_secret="s3cret")
    ApiCredentials(client_id='orders-api', method='client_secret_basic')
    """

    client_id: str
    client_secret: str = field(repr=False)
    method: SecretMethod
    bearer: str | Callable[[], str] = field(default="", repr=False)

    @classmethod
    def checked(
        cls,
        *,
        client_id: str = "",
        client_secret: str = "",
        method: SecretMethod = "client_secret_basic",
        bearer: str | Callable[[], str] = "",
    ) -> ApiCredentials:
        """The credentials, if they are complete for exactly one method.

        Raises:
            ConfigurationError: all mistakes in the arguments. The message contains no secret.
        """
        mistakes = tuple(_mistakes(client_id, client_secret, method, bearer))
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(client_id, client_secret, method, bearer)

    def headers(self) -> dict[str, str]:
        """The headers that authenticate this API.

        Raises:
            FetchFailed: the function for `bearer` returned no token.
        """
        if self.bearer:
            return {"Authorization": f"Bearer {_current(self.bearer)}"}
        return {"Authorization": self._basic()} if self.method == "client_secret_basic" else {}

    def form(self) -> dict[str, str]:
        """The form fields that authenticate this API."""
        if self.bearer or self.method == "client_secret_basic":
            return {}
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def _basic(self) -> str:
        from base64 import b64encode
        from urllib.parse import quote_plus

        # RFC 6749 §2.3.1: both are form-urlencoded first (App. B), so the id may contain a colon.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return f"Basic {b64encode(pair.encode()).decode()}"


def _current(bearer: str | Callable[[], str]) -> str:
    token = cast("object", bearer if isinstance(bearer, str) else bearer())
    if not isinstance(token, str) or not is_token68(token):
        # The error of the HTTP library for an invalid header would repeat the token.
        raise FetchFailed("the function given as bearer= returned no token of RFC 6750 §2.1: is a line end in it?")
    return token


def _mistakes(client_id: object, client_secret: object, method: object, bearer: object) -> Iterable[str]:
    if bearer:
        if client_id or client_secret:
            yield "one way to authenticate is enough: give bearer=, or client_id= and client_secret="
        if not callable(bearer) and not (isinstance(bearer, str) and is_token68(bearer)):
            yield "bearer= is a token of RFC 6750 §2.1, or a function that returns one"
        return
    # RFC 7662 §2.1: the server "MUST" require authorization. An unset variable must not lead to a request without it.
    if not (isinstance(client_id, str) and client_id):
        yield "client_id= is empty: register this API as a client of the authorization server"
    if not (isinstance(client_secret, str) and client_secret):
        yield "client_secret= is empty: give the secret of this API's client, as os.environ['CLIENT_SECRET']"
    if method not in _METHODS:
        yield f"method={method!r} is no way to send a secret: use {' or '.join(_METHODS)}"
