"""What a scheme extracted from a request: one frozen type per kind. Secrets never show in a `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """A user name and password, decoded from ``Authorization: Basic`` (RFC 7617).

    >>> BasicCredentials(username="alice", password="secret")
    BasicCredentials(username='alice')
    """

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token from ``Authorization: Bearer`` that fits the b64token grammar (RFC 6750 §2.1)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DPoPToken:
    """A token from ``Authorization: DPoP``, and the proof that came with it (RFC 9449 §7.1). Nothing is verified."""

    token: str = field(repr=False)
    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoundToken:
    """An access token whose sender proved to hold a key. Whether it is bound to that key is still to be looked at.

    Args:
        token: the access token.
        thumbprint: of the key (RFC 7638): what the ``jkt`` of the token's ``cnf`` has to be.
    """

    token: str = field(repr=False)
    thumbprint: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key: printable ASCII, not empty, found exactly once in its place."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustedUser:
    """A user name (or certificate subject) that a declared proxy put into a header."""

    name: str


@dataclass(frozen=True, slots=True)
class DigestResponse:
    """The answer to a Digest challenge (RFC 7616 §3.4), syntactically valid and nothing more.

    Exactly one of `username` and `userhash` is set: the latter when the client sent ``userhash=true``.
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


Credentials = BasicCredentials | BearerToken | DPoPToken | ApiKey | TrustedUser | DigestResponse
"""Every kind of credentials a scheme of authmw extracts."""
