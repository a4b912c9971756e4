"""A verifier of one's own: a plain function from the credential to its principal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import ApiKey, BasicCredentials, BearerToken, DigestResponse, DPoPToken, TrustedUser
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import Answer


class LookupVerifier:
    """Asks a function who it is: `Principal`, or None for nobody.

    Any other answer, as True or a dict, raises: it might have been meant as a yes, and is no proof. Under ASGI a
    ``def`` is called on a thread unless it is marked with `CallMode.NONBLOCKING`; an ``async def`` runs on the loop.
    What the function raises becomes a 503.

    Args:
        function: called with the token, the key, the trusted user name, or the user name and the password; with the
            whole credentials, where a scheme of one's own extracts a type of its own. It must
            compare secrets with `hmac.compare_digest`, and cost the same for names that do not exist.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    """

    def __init__(self, function: Callable[..., Answer[Principal | None]]) -> None:
        if not callable(function):
            raise ConfigurationError(f"LookupVerifier takes a function, not {type(function).__name__}")
        self._function: Callable[..., object] = function  # what it really answers is checked below

    def verify(self, credentials: object, request: RequestHead) -> Flow[Verdict]:
        """Ask the function about the bare credential."""
        arguments, refusal = _arguments(credentials)
        if not all(arguments):
            return Rejected(refusal, "an empty credential")  # never reaches the function (class 18)
        answer = yield from Ask(self._function, *arguments)
        if answer is None:
            return Rejected(refusal)
        if not isinstance(answer, Principal) or not answer.is_authenticated:
            raise FlowError(f"{_name(self._function)} answers a Principal or None, not {type(answer).__name__}")
        return Authenticated(answer)


def _arguments(credentials: object) -> tuple[tuple[object, ...], Reason]:
    match credentials:
        case BearerToken():
            return (credentials.token,), Reason.TOKEN_UNKNOWN
        case ApiKey():
            return (credentials.key,), Reason.KEY_UNKNOWN
        case BasicCredentials():
            return (credentials.username, credentials.password), Reason.CREDENTIALS_REJECTED
        case TrustedUser():
            return (credentials.name,), Reason.CREDENTIALS_REJECTED
        case DigestResponse():
            raise FlowError("a plain function cannot verify a DigestResponse: use DigestVerifier")
        case DPoPToken():
            raise FlowError("a plain function cannot verify a DPoPToken: use DPoPVerifier")
        case _:
            return (credentials,), Reason.CREDENTIALS_REJECTED


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
