"""What is found when an issuer, and a token of it, are looked at: ``authmw doctor``.

Only the issuer that was named is asked, as `Issuer` asks it. Nothing here repeats a token or its signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authmw.crypto.jose.jws import shown

if TYPE_CHECKING:
    from authmw.issuers.access_tokens import Audience
    from authmw.issuers.fetching.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at.

    Args:
        check: what was looked at.
        ok: whether it is as it should be; None where it is only worth knowing.
        words: what was found, for people.
        fix: the next step; empty where there is none to take.
    """

    check: str
    ok: bool | None
    words: str
    fix: str = ""


def diagnose(
    issuer: str,
    fetcher: Fetcher,
    *,
    token: str | None = None,
    audience: Audience | None = None,
    profile: str | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Diagnosis]:
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
        findings.append(Diagnosis("profile", None, f"this looks like {likely}", f'say Issuer(..., profile="{likely}")'))
    return findings


def difference(said: str, wanted: str) -> str:
    """How the issuer `said` differs from the one that was `wanted`, after a comma; empty when they differ at large.

    >>> difference("https://id.example/", "https://id.example"), difference("http://id.example", "https://id.example")
    (', with a slash at the end', ', with http: in place of https:')
    >>> difference("https://id.example/realms/a", "https://id.example/realms/b")
    ', another path on the same host: another realm or tenant'
    """
    from urllib.parse import urlsplit

    if said == wanted + "/":
        return ", with a slash at the end"
    if said + "/" == wanted:
        return ", without the slash at the end"
    try:
        one, other = urlsplit(said), urlsplit(wanted)
    except ValueError:
        return ""
    if one[1:] == other[1:]:
        return f", with {one.scheme}: in place of {other.scheme}:"
    if said.lower() == wanted.lower():
        return ", with other capital letters"
    if one.netloc == other.netloc:
        return ", another path on the same host: another realm or tenant"
    return ", another host" if one.path.rstrip("/") == other.path.rstrip("/") else ""


def quoted(value: object) -> str:
    """`value`, which a stranger wrote, as `shown` in a log, but with room for a long URL.

    >>> quoted("https://id.example/\\n")
    "'https://id.example/\\\\n'"
    """
    return ascii(value) if isinstance(value, str) and len(value) <= 200 else shown(value)
