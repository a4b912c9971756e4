"""Verdicts: the results of a verifier, `Authenticated`, `Rejected` or None. Never a bool.

None means that the request has no credentials of the verifier's kind, so that the engine tries the next alternative.
If a store does not answer, there is no verdict but an exception, which becomes a 503.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.validity import Validities


class Authenticated(NamedTuple):
    """The credentials are valid. Each verifier makes this object in exactly one place.

    Args:
        principal: the authenticated caller.
        remember_until: the time (seconds since the epoch) until which the engine may reuse this verdict for the same
            credentials, without a new verification; None for no reuse. Set it only for credentials that a signature
            proves, or together with `still_holds`.
        headers: response headers of the scheme (``Authentication-Info``, ``DPoP-Nonce``).
        still_holds: called before each reuse of the verdict. It must not wait. It returns True only if it is certain
            that the credentials were not revoked; otherwise they are verified again.
        validities: until when the credentials hold, for connections that stay open. Without any, they hold until
            `Principal.expires_at`; with a `Leeway` a little longer.

    Two are equal if they say the same of the same caller, whatever ends them early.
    """

    principal: Principal
    remember_until: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    still_holds: Callable[[], bool] | None = None
    validities: Validities = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Authenticated) and self[:3] == other[:3]

    def __ne__(self, other: object) -> bool:  # a tuple has one of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:3])

    def __repr__(self) -> str:
        return (
            f"Authenticated(principal={self.principal!r}, remember_until={self.remember_until!r}, "
            f"headers={self.headers!r})"
        )


class Remembered(Authenticated):
    """A verdict that its verifier gives again, the same object, while the same credentials are good."""

    result: Any = None
    """What the engine has made of the verdict, so that it is made once; None before that."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The credentials are of this verifier's kind, and they are bad.

    Args:
        reason: the reason, with the code for the log.
        detail: more details for the log. They never reach the client, and never contain a secret.
        retry_after: seconds to wait, with `Reason.TOO_MANY_ATTEMPTS` or `Reason.ACCOUNT_THROTTLED`.
        headers: response headers of the scheme (``DPoP-Nonce``).
    """

    reason: Reason
    detail: str = ""
    retry_after: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


Verdict = Authenticated | Rejected
"""The result of a verifier that found credentials of its kind."""
