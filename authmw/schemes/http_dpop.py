"""Scheme for ``Authorization: DPoP``, with a proof in the ``DPoP`` header (RFC 9449 §7.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import DPoPToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import AuthorizationScheme
from authmw.schemes.http_bearer import HTTPBearer
from authmw.verifiers.base import Verifier
from authmw.verifiers.dpop import DEFAULT_ALGORITHMS, DPoPVerifier


@explains_arguments("HTTPDPoP(DPoPVerifier(...))")
class HTTPDPoP(AuthorizationScheme[DPoPToken]):
    """An access token that is bound to a key, with a proof that its sender has the key (RFC 9449 §7.1).

    Args:
        verifier: a `DPoPVerifier`. Without one the scheme challenges and extracts.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: `verifier` is a plain function, which cannot verify the proof.

    >>> HTTPDPoP().openapi()
    {'type': 'http', 'scheme': 'dpop'}
    >>> str(HTTPDPoP().challenge("orders"))
    'DPoP realm="orders", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384 ES512"'
    """

    auth_type = "DPoP"
    extracts: ClassVar[type | None] = DPoPToken
    vary = "Authorization, DPoP"

    def __init__(self, verifier: Verifier[DPoPToken] | None = None, *, name: str = "", description: str = "") -> None:
        _check_no_function(verifier)
        super().__init__(verifier, name=name, description=description)
        self._bearer = HTTPBearer()
        self._algorithms = verifier.algorithms if isinstance(verifier, DPoPVerifier) else DEFAULT_ALGORITHMS

    def extract(self, request: RequestHead) -> DPoPToken | Rejected | None:
        """The token with its proof. A token without a proof is refused."""
        found = super().extract(request)
        if not isinstance(found, DPoPToken):
            return found
        proof = request.header("dpop")
        return DPoPToken(found.token, proof) if proof else Rejected(Reason.PROOF_MISSING)

    def read(self, value: str) -> DPoPToken | Rejected:
        """The token without the proof. Its syntax is that of a bearer token (RFC 9449 §7.1)."""
        found = self._bearer.read(value)
        return found if isinstance(found, Rejected) else DPoPToken(found.token, "")

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """The challenge of Bearer, with ``algs``: the signature algorithms of proofs (RFC 9449 §7.1)."""
        params = self._bearer.challenge(realm, rejected=rejected, scopes=scopes).params
        return Challenge("DPoP", (*params, ("algs", " ".join(self._algorithms))))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "http", "scheme": "dpop"}``, the name that IANA has registered."""
        return self._described({"type": "http", "scheme": "dpop"})


def _check_no_function(verifier: object) -> None:
    if callable(verifier) and not hasattr(verifier, "verify"):
        raise ConfigurationError(
            "a plain function cannot verify DPoP: pass HTTPDPoP(DPoPVerifier(JWTVerifier(...), public_url=...))"
        )
