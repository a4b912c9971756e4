"""Diagnosis of an issuer and of one of its tokens, for ``authmw doctor``.

It sends requests only to the named issuer, as `Issuer` does. Its output never contains a token or a signature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from authmw.flow.clocks import now
from authmw.issuers.diagnosis.finding import Finding
from authmw.issuers.diagnosis.issuer import examine
from authmw.issuers.diagnosis.profile import likely_profile
from authmw.issuers.diagnosis.token import TokenDiagnosis
from authmw.issuers.discovery import issuer_of

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
    clock: Callable[[], float] = now,
) -> list[Finding]:
    """All findings, right and wrong, in the order in which `Issuer` makes its checks. It blocks.

    Args:
        issuer: the argument as for `Issuer`.
        fetcher: fetches metadata and keys.
        token: an access token that clients send; None to examine only the issuer.
        audience: the name of this API; None to not compare ``aud``.
        profile: the name of a profile; None for that of RFC 9068.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: there is no such profile, or the audience is empty.

    >>> from authmw.testing import FakeIssuer
    >>> fake = FakeIssuer()
    >>> for found in diagnose("https://issuer.test/", fake):
    ...     if found.ok is False: print(found.words, "->", found.fix)
    it calls itself 'https://issuer.test', without the slash at the end -> say Issuer('https://issuer.test', ...)
    """
    diagnosis = TokenDiagnosis(issuer_of(issuer), audience=audience, profile=profile, clock=clock)
    report = examine(issuer, fetcher, clock=clock)
    findings = list(report.findings)
    likely = likely_profile(issuer, {})
    if token is not None:
        findings += diagnosis.examine(token, report)
    elif profile is None and likely is not None:
        findings.append(Finding("profile", None, f"this looks like {likely}", f'say Issuer(..., profile="{likely}")'))
    return findings
