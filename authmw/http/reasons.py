"""Reasons for refusals: one stable code for the log and one for the client each, with status and ``error``.

`Reason.code` is for the log and names the exact reason. `Reason.public_code` is for the client and says no more than
the challenge does. An unknown user and a wrong password have the same public code. The only thing that a client learns
about a bad token is that it expired (as in the example of RFC 6750 §3), because that is checked only after the
signature was verified.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

ErrorCode = Literal[
    "invalid_request",
    "invalid_token",
    "insufficient_scope",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "insufficient_user_authentication",
]
"""The registered ``error`` values of RFC 6750 §3.1, RFC 9449 §7.1 and RFC 9470 §3."""


class Reason(Enum):
    """The reason for a refusal. Each member has a page in the docs with the name of its code.

    >>> Reason.TOKEN_SIGNATURE.code, Reason.TOKEN_SIGNATURE.public_code, Reason.TOKEN_SIGNATURE.status
    ('authmw.token-signature', 'authmw.token-invalid', 401)
    """

    def __init__(self, slug: str, status: int, error: ErrorCode | None, description: str, public_slug: str) -> None:
        self.code: str = f"authmw.{slug}"
        """The stable code for logs, such as ``authmw.token-expired``."""
        self.status = status
        """The HTTP status of the response."""
        self.error = error
        """The ``error`` of the response (RFC 6750 §3.1, 9449 §7.1, 9470 §3); None if the response has no ``error``."""
        self.description = description
        """One sentence for the client. It contains no part of the request."""
        self.public_code: str = f"authmw.{public_slug or slug}"
        """The code that the client gets."""

    # The request has no credentials that can be used.
    CREDENTIALS_MISSING = ("credentials-missing", 401, None, "Authentication is required.", "")
    SCHEME_UNSUPPORTED = ("scheme-unsupported", 401, None, "Authentication is required.", "credentials-missing")

    # The request contradicts itself.
    AUTHORIZATION_DUPLICATE = (
        "authorization-duplicate", 400, "invalid_request", "More than one Authorization credential was sent.", "",
    )  # fmt: skip
    CREDENTIAL_DUPLICATE = (
        "credential-duplicate", 400, "invalid_request", "The credential was sent more than once.", "",
    )  # fmt: skip
    BODY_TOO_LARGE = (
        "body-too-large", 400, "invalid_request", "The body is too large for integrity protection.", "",
    )  # fmt: skip

    # A bearer token is bad.
    TOKEN_MALFORMED = ("token-malformed", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_ALGORITHM = ("token-algorithm", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_KEY = ("token-key", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_SIGNATURE = ("token-signature", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_TYPE = ("token-type", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_ISSUER = ("token-issuer", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_AUDIENCE = ("token-audience", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_CLAIMS = ("token-claims", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_NOT_YET_VALID = ("token-not-yet-valid", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_EXPIRED = ("token-expired", 401, "invalid_token", "The access token expired.", "")
    TOKEN_REVOKED = ("token-revoked", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_KIND = ("token-kind", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_UNKNOWN = ("token-unknown", 401, "invalid_token", "The access token is invalid.", "token-invalid")

    TOKEN_BOUND = ("token-bound", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    TOKEN_UNBOUND = ("token-unbound", 401, "invalid_token", "The access token is invalid.", "token-invalid")

    # The DPoP proof of a bound token is bad.
    PROOF_MISSING = ("proof-missing", 401, "invalid_dpop_proof", "The DPoP proof is missing.", "")
    PROOF_MALFORMED = ("proof-malformed", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_KEY = ("proof-key", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_SIGNATURE = ("proof-signature", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_MISPLACED = ("proof-misplaced", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_STALE = ("proof-stale", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_REPLAYED = ("proof-replayed", 401, "invalid_dpop_proof", "The DPoP proof is invalid.", "proof-invalid")
    PROOF_NONCE = ("proof-nonce", 401, "use_dpop_nonce", "The DPoP proof needs the nonce of DPoP-Nonce.", "")

    # A password, a response of HTTP Digest or an API key is bad. The client gets the same description for all of them.
    CREDENTIALS_MALFORMED = (
        "credentials-malformed", 401, None, "The credentials are invalid.", "credentials-invalid",
    )  # fmt: skip
    USER_UNKNOWN = ("user-unknown", 401, None, "The credentials are invalid.", "credentials-invalid")
    USER_DISABLED = ("user-disabled", 401, None, "The credentials are invalid.", "credentials-invalid")
    TOKEN_USER_GONE = ("token-user-gone", 401, "invalid_token", "The access token is invalid.", "token-invalid")
    PASSWORD_WRONG = ("password-wrong", 401, None, "The credentials are invalid.", "credentials-invalid")
    PASSWORD_HASH_UNKNOWN = (
        "password-hash-unknown", 401, None, "The credentials are invalid.", "credentials-invalid",
    )  # fmt: skip
    DIGEST_MISMATCH = ("digest-mismatch", 401, None, "The credentials are invalid.", "credentials-invalid")
    DIGEST_STALE = ("digest-stale", 401, None, "The nonce is stale.", "")
    DIGEST_REPLAYED = ("digest-replayed", 401, None, "The credentials are invalid.", "credentials-invalid")
    KEY_UNKNOWN = ("key-unknown", 401, None, "The credentials are invalid.", "credentials-invalid")
    KEY_EXPIRED = ("key-expired", 401, None, "The credentials are invalid.", "credentials-invalid")
    KEY_REVOKED = ("key-revoked", 401, None, "The credentials are invalid.", "credentials-invalid")
    PROXY_UNTRUSTED = ("proxy-untrusted", 401, None, "The credentials are invalid.", "credentials-invalid")
    CROSS_SITE = ("cross-site", 401, None, "Cookies are not accepted in cross-site requests.", "")
    SESSION_ENDED = ("session-ended", 401, None, "The session has ended.", "")
    CREDENTIALS_REJECTED = (
        "credentials-rejected", 401, None, "The credentials are invalid.", "credentials-invalid",
    )  # fmt: skip

    # The caller is known, but logged in too long ago, or by too little.
    AUTHENTICATION_INSUFFICIENT = (
        "authentication-insufficient", 401, "insufficient_user_authentication",
        "A more recent or a stronger login is required.", "",
    )  # fmt: skip

    # The caller is known, but the request is not allowed.
    SCOPE_MISSING = (
        "scope-missing", 403, "insufficient_scope", "The request requires higher privileges than provided.", "",
    )  # fmt: skip
    FORBIDDEN = ("forbidden", 403, None, "Access is not permitted.", "")

    # The request may succeed later.
    ACCOUNT_THROTTLED = ("account-throttled", 503, None, "No check is free just now. Try again later.", "")
    TOO_MANY_ATTEMPTS = ("too-many-attempts", 429, None, "Too many attempts. Try again later.", "")
    UNAVAILABLE = ("unavailable", 503, None, "Authentication is temporarily unavailable.", "")
