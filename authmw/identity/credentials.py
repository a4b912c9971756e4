"""Credentials that schemes extract from a request: one frozen class for each kind. No secret is in a `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, init=False)
class BasicCredentials:
    """A user name and password, decoded from ``Authorization: Basic`` (RFC 7617).

    >>> BasicCredentials(username="alice", password="secret")
    BasicCredentials(username='alice')
    """

    username: str
    password: str = field(repr=False)

    def __init__(self, username: str, password: str) -> None:
        # By the slots themselves, in two thirds of the time: one is made for each request.
        _set_username(self, username)
        _set_password(self, password)


_set_username: Final = BasicCredentials.__dict__["username"].__set__
_set_password: Final = BasicCredentials.__dict__["password"].__set__


@dataclass(frozen=True, slots=True, init=False)
class BearerToken:
    """A token from ``Authorization: Bearer``, which is a b64token (RFC 6750 §2.1)."""

    token: str = field(repr=False)

    def __init__(self, token: str) -> None:
        _set_token(self, token)


_set_token: Final = BearerToken.__dict__["token"].__set__


@dataclass(frozen=True, slots=True)
class SessionValue:
    """The value of the cookie of a browser session.

    Args:
        value: the value.
        needs_form_token: nothing tells which page caused the request, and it may change something: it counts only with
            the form token of the session.
    """

    value: str = field(repr=False)
    needs_form_token: bool = False


@dataclass(frozen=True, slots=True)
class DPoPToken:
    """A token from ``Authorization: DPoP`` and its proof (RFC 9449 §7.1). Neither is verified yet."""

    token: str = field(repr=False)
    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoundToken:
    """An access token whose sender proved the possession of a key. The verifier still checks that the token is bound to
    that key.

    Args:
        token: the access token.
        thumbprint: the thumbprint of the key (RFC 7638). The ``jkt`` in the token's ``cnf`` has to be the same.
    """

    token: str = field(repr=False)
    thumbprint: str


@dataclass(frozen=True, slots=True, init=False)
class ApiKey:
    """An API key: printable ASCII, not empty, and sent exactly once."""

    key: str = field(repr=False)

    def __init__(self, key: str) -> None:
        _set_key(self, key)


_set_key: Final = ApiKey.__dict__["key"].__set__


@dataclass(frozen=True, slots=True)
class TrustedUser:
    """A user name (or certificate subject) from a header that a trusted proxy sets."""

    name: str


@dataclass(frozen=True, slots=True)
class DigestResponse:
    """The response to a Digest challenge (RFC 7616 §3.4). Its syntax is valid; nothing else is checked yet.

    Exactly one of `username` and `userhash` is set: `userhash` if the client sent ``userhash=true``.
    """

    username: str | None
    userhash: str | None
    realm: str
    nonce: str
    uri: str
    response: str = field(repr=False)
    algorithm: str
    qop: str
    nc: str
    cnonce: str
    opaque: str | None = None


Credentials = BasicCredentials | BearerToken | SessionValue | DPoPToken | ApiKey | TrustedUser | DigestResponse
"""Every kind of credentials that the schemes of authmw extract."""
