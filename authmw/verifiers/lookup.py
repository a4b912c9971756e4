"""Verifier made from a plain function: the function answers a principal for a credential, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, ask_here, ask_now, run
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import ApiKey, BasicCredentials, BearerToken, DigestResponse, DPoPToken, TrustedUser
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict

if TYPE_CHECKING:
    from authmw.stores.ports import Answer


class LookupVerifier:
    """Calls a function with the credential. It answers a `Principal`, or None to refuse.

    Any other answer, as True or a dict, is an error: it may be meant as a yes, but it names no principal. Under ASGI a
    ``def`` is called on a thread unless it is marked with `CallMode.NONBLOCKING`; an ``async def`` runs on the event
    loop. An exception of the function becomes a 503.

    Args:
        function: called with the token, the key, the trusted user name, or the user name and the password. If a custom
            scheme extracts a type of its own, it is called with the whole credentials. It must compare secrets with
            `hmac.compare_digest`, and take the same time for names that do not exist.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    """

    def __init__(self, function: Callable[..., Answer[Principal | None]]) -> None:
        if not callable(function):
            raise ConfigurationError(f"LookupVerifier takes a function, not {type(function).__name__}")
        self.function: Callable[..., object] = function
        """The function. Its answer is checked."""

    def verify(self, credentials: object, request: RequestHead) -> Verdict | Flow[Verdict]:
        """The verdict from the answer of the function."""
        arguments, refusal = _arguments(credentials)
        if not all(arguments):
            # An empty value never reaches the function: a record with an empty column would match it.
            return Rejected(refusal, "an empty credential")
        question = Ask(self.function, *arguments)
        if request.around is not None or CallMode.of(self.function) is not CallMode.NONBLOCKING:
            return self._ask(question, refusal)
        answer = ask_now(self.function, *arguments)
        if hasattr(answer, "__await__"):  # a mark that says too much
            question.function, question.args = _answering(self.function, answer), ()
            return self._ask(question, refusal)
        return self._judge(answer, refusal)

    def verify_here(self, credentials: object, request: RequestHead) -> Verdict:
        """As `verify`, on the thread of the request, as under WSGI: a flow would cost more than most functions."""
        arguments, refusal = _arguments(credentials)
        if not all(arguments):
            return Rejected(refusal, "an empty credential")
        if request.around is not None:
            return run(self._ask(Ask(self.function, *arguments), refusal), around=request.around)
        return self._judge(ask_here(self.function, *arguments), refusal)

    def _ask(self, question: Ask[object], refusal: Reason) -> Flow[Verdict]:
        return self._judge((yield from question), refusal)

    def _judge(self, answer: object, refusal: Reason) -> Verdict:
        if answer is None:
            return Rejected(refusal)
        if not isinstance(answer, Principal) or not answer.is_authenticated:
            raise FlowError(f"{_name(self.function)} answers a Principal or None, not {type(answer).__name__}")
        return Authenticated(answer)


# Python 3.11 looks up members of an enumeration slowly.
_TOKEN_UNKNOWN: Final = Reason.TOKEN_UNKNOWN
_KEY_UNKNOWN: Final = Reason.KEY_UNKNOWN
_REJECTED: Final = Reason.CREDENTIALS_REJECTED


def _arguments(credentials: object) -> tuple[tuple[object, ...], Reason]:
    if isinstance(credentials, BasicCredentials):
        return (credentials.username, credentials.password), _REJECTED
    if isinstance(credentials, BearerToken):
        return (credentials.token,), _TOKEN_UNKNOWN
    if isinstance(credentials, ApiKey):
        return (credentials.key,), _KEY_UNKNOWN
    if isinstance(credentials, TrustedUser):
        return (credentials.name,), _REJECTED
    if isinstance(credentials, DigestResponse):
        raise FlowError("a plain function cannot verify a DigestResponse: use DigestVerifier")
    if isinstance(credentials, DPoPToken):
        raise FlowError("a plain function cannot verify a DPoPToken: use DPoPVerifier")
    return (credentials,), _REJECTED


def arguments_for(credentials: type) -> int | None:
    """The number of arguments with which a function is called for credentials of that type; None if it cannot be told.

    >>> arguments_for(BasicCredentials), arguments_for(BearerToken)
    (2, 1)
    """
    if credentials is BasicCredentials:
        return 2
    return 1 if credentials in (BearerToken, ApiKey, TrustedUser) else None


def _answering(function: Callable[..., object], answer: object) -> Callable[[], object]:
    """A function that stands for `function`, which has answered already."""

    @CallMode.NONBLOCKING
    def answering() -> object:
        return answer

    answering.__qualname__ = _name(function)
    return answering


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
