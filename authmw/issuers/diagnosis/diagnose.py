"""What is found when an issuer, and a token of it, are looked at: ``authmw doctor``.

Only the issuer that was named is asked, as `Issuer` asks it. Nothing here repeats a token or its signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from authmw.issuers.diagnosis.finding import Finding

if TYPE_CHECKING:
    from authmw.issuers.audience import Audience
    from authmw.issuers.fetching.fetch import Fetcher


def diagnose(
    issuer: str,
    fetcher: Fetcher,
    *,
    token: str | None = None,
    audience: Audience | None = None,
    profile: str | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Finding]:
    """What is found, and what is wrong, in the order in which `Issuer` would come upon it. It blocks.

    Args:
        issuer: as it would be given to `Issuer`.
        fetcher: asks.
        token: an access token that clients send; None to look at the issuer alone.
        audience: the name of this API; None leaves ``aud`` uncompared.
        profile: the name of a profile; None for RFC 9068's.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: there is no such profile, or the audience names nobody.

    >>> from authmw.testing import FakeIssuer
    >>> fake = FakeIssuer()
    >>> for found in diagnose("https://issuer.test/", fake):
    ...     if found.ok is False: print(found.words, "->", found.fix)
    it calls itself 'https://issuer.test', without the slash at the end -> say Issuer('https://issuer.test', ...)
    """
    from authmw.issuers.diagnosis.issuer import examine
    from authmw.issuers.diagnosis.profile import likely_profile
    from authmw.issuers.diagnosis.token import TokenDoctor
    from authmw.issuers.discovery import issuer_of

    doctor = TokenDoctor(issuer_of(issuer), audience=audience, profile=profile, clock=clock)
    patient = examine(issuer, fetcher, clock=clock)
    findings = list(patient.findings)
    likely = likely_profile(issuer, {})
    if token is not None:
        findings += doctor.examine(token, patient)
    elif profile is None and likely is not None:
        findings.append(Finding("profile", None, f"this looks like {likely}", f'say Issuer(..., profile="{likely}")'))
    return findings
