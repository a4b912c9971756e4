"""Scheme for ``Authorization: Digest`` (RFC 7616)."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Any, ClassVar, Final
from urllib.parse import unquote_to_bytes

from authmw.crypto.digest_nonces import DigestNonces
from authmw.crypto.http_digest import DigestSessAlgorithm
from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_params
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import DigestResponse
from authmw.identity.verdict import Rejected
from authmw.schemes.base import AuthorizationScheme
from authmw.verifiers.base import Verifier
from authmw.verifiers.digest import OFFERED_QOP, DigestVerifier

# RFC 7616 §3.4. Clients differ in which parameters they quote, so both forms are read.
#   nc-value = 8LHEX    response = <"> *LHEX <">    cnonce = an opaque quoted ASCII-only string
# A cnonce with a quote, a backslash or a space is refused: no client makes one, and Authentication-Info repeats it.
_NC_RESPONSE_CNONCE: Final = re.compile(r"(?!0{8})[0-9a-f]{8} (?:[0-9a-f]{32}|[0-9a-f]{64}) [!#-\[\]-~]{1,256}")
_HEX: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
# ext-value = charset "'" [ language ] "'" value-chars      RFC 8187 §3.2.1; RFC 7616 §3.4 wants UTF-8
_EXT_VALUE: Final = re.compile(r"[Uu][Tt][Ff]-8'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[A-Za-z0-9!#$&+.^_`|~-])+)")
_REQUIRED: Final = itemgetter("realm", "nonce", "uri", "response", "qop", "nc", "cnonce")
# RFC 7616 §3.3: stale=true makes the client retry with the new nonce, without asking the user for the password.
_STALE: Final = (Reason.DIGEST_STALE, Reason.DIGEST_REPLAYED)


@explains_arguments("HTTPDigest(DigestVerifier(...))")
class HTTPDigest(AuthorizationScheme[DigestResponse]):
    """A response to a Digest challenge in the ``Authorization`` header (RFC 7616), never the password.

    Args:
        verifier: a `DigestVerifier`. Without one the scheme challenges and extracts.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    >>> str(HTTPDigest().challenge("orders"))[:53]
    'Digest realm="orders", qop="auth, auth-int", algorith'
    """

    auth_type = "Digest"
    extracts: ClassVar[type | None] = DigestResponse

    def __init__(
        self, verifier: Verifier[DigestResponse] | None = None, *, name: str = "", description: str = ""
    ) -> None:
        _check_no_function(verifier)
        super().__init__(verifier, name=name, description=description)
        self._algorithms: tuple[DigestSessAlgorithm, ...] = ("SHA-256",)
        if isinstance(verifier, DigestVerifier):
            self._algorithms = verifier.algorithms
            self._nonces = verifier.nonces
        else:
            self._nonces = DigestNonces()

    def bind(self, realm: str) -> None:
        """Pass the realm to the verifier, which checks it in every response."""
        if isinstance(self.verifier, DigestVerifier):
            self.verifier.bind(realm)

    def extract(self, request: RequestHead) -> DigestResponse | Rejected | None:
        """The response to a challenge, from parameters that `RequestHead` has parsed already."""
        authorization = request.authorization
        if authorization is None or authorization.params is None or authorization.scheme != "digest":
            return super().extract(request)
        return _read(dict(authorization.params))

    def read(self, value: str) -> DigestResponse | Rejected:
        """Parse the auth-params. Unknown ones are ignored (RFC 7616 §3.4); a duplicate is refused."""
        params = parse_params(value)
        return _malformed("not a list of parameters") if params is None else _read(dict(params))

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """The challenge for the strongest algorithm."""
        return self.challenges(realm, rejected=rejected)[0]  # a Digest challenge names no scopes

    def challenges(
        self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()
    ) -> tuple[Challenge, ...]:
        """One challenge for each algorithm, strongest first (RFC 7616 §3.7), each with its own nonce."""
        stale = (("stale", "true"),) if rejected is not None and rejected.reason in _STALE else ()
        return tuple(
            Challenge(
                "Digest",
                (
                    ("realm", realm),
                    ("qop", ", ".join(OFFERED_QOP)),
                    ("algorithm", algorithm),
                    ("nonce", self._nonces.issue(realm)),
                    ("opaque", self._nonces.opaque(realm)),
                    ("charset", "UTF-8"),
                    ("userhash", "true"),
                    *stale,
                ),
            )
            for algorithm in self._algorithms
        )

    def openapi(self) -> dict[str, Any]:
        """``{"type": "http", "scheme": "digest"}``."""
        return self._described({"type": "http", "scheme": "digest"})


def _check_no_function(verifier: object) -> None:
    if callable(verifier) and not hasattr(verifier, "verify"):
        raise ConfigurationError("a plain function cannot verify Digest: pass HTTPDigest(DigestVerifier(...))")


def _read(params: dict[str, str]) -> DigestResponse | Rejected:
    try:
        realm, nonce, uri, digest, qop, nc, cnonce = _REQUIRED(params)
    except KeyError as missing:
        return _malformed(f"no {missing.args[0]}")
    if _NC_RESPONSE_CNONCE.fullmatch(f"{nc} {digest} {cnonce}") is None:
        return _malformed("an nc, response or cnonce that is none")
    username: str | None = None
    userhash: str | None = None
    hashed = params.get("userhash")
    if hashed is None or hashed.lower() == "false":
        username = _username(params)
    elif hashed.lower() == "true":
        userhash = _userhash(params)
    else:
        return _malformed("a userhash that is neither true nor false")
    if username is None and userhash is None:
        return _malformed("not exactly one user name, in UTF-8")
    return DigestResponse(
        username=username,
        userhash=userhash,
        realm=realm,
        nonce=nonce,
        uri=uri,
        response=digest,
        # RFC 7616 §3.4: a response without algorithm is for MD5.
        algorithm=params.get("algorithm", "MD5"),
        qop=qop,
        nc=nc,
        cnonce=cnonce,
        opaque=params.get("opaque"),
    )


def _username(params: dict[str, str]) -> str | None:
    """The user name from exactly one of ``username`` and ``username*`` (RFC 7616 §3.4.4), in strict UTF-8."""
    plain, extended = params.get("username"), params.get("username*")
    if (plain is None) == (extended is None):
        return None
    if plain is not None and plain.isascii():
        return plain or None
    if extended is not None:
        value = _EXT_VALUE.fullmatch(extended)
        if value is None:
            return None
        raw = unquote_to_bytes(value[1])
    else:
        raw = (plain or "").encode("latin-1", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _userhash(params: dict[str, str]) -> str | None:
    """The hashed user name. A request with it must not have ``username*`` (RFC 7616 §3.4.4)."""
    hashed = params.get("username", "")
    return hashed if "username*" not in params and _HEX.fullmatch(hashed) else None


def _malformed(detail: str) -> Rejected:
    return Rejected(Reason.CREDENTIALS_MALFORMED, detail)
