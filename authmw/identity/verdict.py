"""What a verifier answers: `Authenticated`, `Rejected`, or None. Never a bool.

None means that no credentials of this verifier's kind were presented, so that the next alternative is asked.
A store that is down is none of the three: it is an exception, and becomes a 503.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from authmw.http.reasons import Reason
from authmw.identity.principal import Principal


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The credentials hold. Each verifier builds this in exactly one place.

    Args:
        principal: who it is.
        remember_until: until when (seconds since the epoch) the same credentials may be taken as verified without
            looking again; None for never. Only for what a signature proves, or with `still_holds`.
        headers: response headers that the scheme owes the client (``Authentication-Info``, ``DPoP-Nonce``).
        still_holds: asked each time the verdict is remembered, and so without waiting for anything: True while it is
            certain that nothing was revoked. Otherwise the credentials are verified anew.
    """

    principal: Principal
    remember_until: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    still_holds: Callable[[], bool] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The credentials were of this verifier's kind and are bad.

    Args:
        reason: why, with the code that is logged.
        detail: more for the log, never for the client, and never a secret.
        retry_after: seconds to wait, with `Reason.TOO_MANY_ATTEMPTS`.
        headers: response headers that the scheme owes the client (``DPoP-Nonce``).
    """

    reason: Reason
    detail: str = ""
    retry_after: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


Verdict = Authenticated | Rejected
"""The answer of a verifier that recognised the credentials."""
