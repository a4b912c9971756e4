"""Message with a token: what `Auth.verify_token` gives the schemes and verifiers in the place of a request.

Its only header is ``Authorization``, with the token. So a token is verified as in a request, and nothing that the
handshake of the connection sent counts as a credential of the message. The handshake only says where the message came
from: its address and its path, for the log, a throttle and predicates.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token68, parse_authorization
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import Alternatives, ways

_NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})
_PREFIX: Final = "bearer "


class MessageHead(RequestHead):
    """The head of a message.

    Args:
        token: the token as it came; see `authorization_of`.
        handshake: the request that opened the connection; None if it is not known.
    """

    __slots__ = ("_handshake", "malformed")
    encoding = "utf-8"

    malformed: Rejected | None
    """Why the token is none; None if it looks like one, and if there is none."""

    def __init__(self, token: object, handshake: RequestHead | None) -> None:
        found = authorization_of(token)
        self.malformed = found if isinstance(found, Rejected) else None
        authorization = None if isinstance(found, Rejected) else found
        self._authorization = None if authorization is None else parse_authorization(authorization)
        self._authorization_text = authorization
        self._handshake = handshake
        self.method: str = "" if handshake is None else handshake.method

    @property
    def debug(self) -> bool:
        """Whether the application is in debug mode, as far as the handshake says."""
        return self._handshake is not None and self._handshake.debug

    @property
    def headers(self) -> list[tuple[str, str]]:
        """``authorization``, if there is a token."""
        text = self._authorization_text
        return [] if text is None else [("authorization", text)]

    def header(self, name: str) -> str | None:
        """The token as the value of ``authorization``; None for any other name."""
        return self._authorization_text if name == "authorization" else None

    @property
    def path(self) -> str:
        """The path of the handshake; empty if it is not known."""
        return "" if self._handshake is None else self._handshake.path

    @property
    def root(self) -> str:
        """The root of the handshake."""
        return "" if self._handshake is None else self._handshake.root

    @property
    def raw_path(self) -> str | None:
        """The raw path of the handshake."""
        return None if self._handshake is None else self._handshake.raw_path

    @property
    def query_string(self) -> str:
        """Empty: the query of the handshake may have a credential."""
        return ""

    @property
    def target(self) -> str:
        """The path of the handshake, without its query."""
        return self.path

    @property
    def client(self) -> str:
        """The address of the peer of the handshake."""
        return "" if self._handshake is None else self._handshake.client

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The parameters in the path of the handshake."""
        return _NO_PARAMS if self._handshake is None else self._handshake.path_params

    def read_body(self, limit: int) -> bytes:
        """Empty: a message has no body."""
        return b""

    def keep_body(self) -> None:
        """Nothing: a message has no body."""


def authorization_of(token: object) -> str | Rejected | None:
    """The ``Authorization`` value of a request with this token; None without a token.

    Args:
        token: of the message, as it came: a str, with or without ``Bearer`` before it, or anything else that JSON has.

    >>> authorization_of("t0ken"), authorization_of("bearer t0ken"), authorization_of(None)
    ('Bearer t0ken', 'Bearer t0ken', None)
    >>> authorization_of({"token": "t0ken"}).detail
    'a dict, not a str'
    """
    text = token.token if isinstance(token, BearerToken) else token
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        return Rejected(Reason.TOKEN_MALFORMED, f"a {type(text).__name__}, not a str")
    has_prefix = text[: len(_PREFIX)].lower() == _PREFIX
    if (
        len(text) > MAX_CREDENTIAL_LENGTH + len(_PREFIX) * has_prefix
    ):  # before the spaces are taken off: these count too
        return Rejected(Reason.TOKEN_MALFORMED, "longer than 8 KiB")
    if has_prefix:
        text = text[len(_PREFIX) :].lstrip(" ")
    if not is_token68(text):
        return Rejected(Reason.TOKEN_MALFORMED, "not a b64token")
    return f"Bearer {text}"


def takes_tokens_alone(accept: Alternatives) -> bool:
    """Whether a bearer token is enough for one of the alternatives.

    >>> from authmw import APIKeyHeader, HTTPBearer
    >>> takes_tokens_alone(HTTPBearer()), takes_tokens_alone(APIKeyHeader("X-Site") & HTTPBearer())
    (True, False)
    """
    alone = [way[0] for way in ways(accept) if len(way) == 1]
    return any(scheme.in_authorization and scheme.auth_type == "Bearer" for scheme in alone)
