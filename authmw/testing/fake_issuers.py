"""Fake issuers in place of those that a program trusts, while a test runs."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

from authmw.engine.auth import Auth
from authmw.errors import ConfigurationError
from authmw.issuers.audience import Audience
from authmw.issuers.issuer import Issuer
from authmw.issuers.several import Issuers
from authmw.schemes.base import Alternatives
from authmw.testing.in_test import check_in_test
from authmw.testing.issuer import FakeIssuer
from authmw.verifiers.dpop import DPoPVerifier


class FakeIssuerFor:
    """The fixture ``fake_issuer``: ``fake_issuer(auth)`` is a `FakeIssuer` whose tokens `auth` accepts.

    Until the end of the test it stands in for the issuer, so that nothing is fetched over the network.
    """

    def __init__(self, undone: ExitStack) -> None:
        self._undone = undone

    def __call__(self, trusting: Auth | Alternatives | Issuer | Issuers, url: str = "") -> FakeIssuer:
        """A fake issuer with the URL of the real one. Its tokens are for this API, and of the issuer's profile.

        Args:
            trusting: what trusts the issuer: an `Auth`, or a scheme or verifier in it, as ``OpenIdConnect(...)``.
            url: the ``iss``, where several are trusted.

        Raises:
            ConfigurationError: it trusts no such issuer, or several.
        """
        check_in_test()
        trusted = _issuers_of(trusting)
        found = [issuer for issuer in trusted if url in ("", issuer.issuer)]
        if len({issuer.issuer for issuer in found}) != 1:
            names = ", ".join(sorted({repr(issuer.issuer) for issuer in trusted})) or "none"
            raise ConfigurationError(
                f"fake_issuer({trusting!r}) stands in for one issuer, and it trusts {names}: "
                "pass what has an Issuer or an OpenIdConnect with an audience, and the URL of one: "
                'fake_issuer(auth, "https://id.example")'
            )
        issuer = found[0]
        fake = FakeIssuer(issuer.issuer, audience=_name_of(issuer.audience), profile=issuer.profile)
        for each in found:
            self._undone.enter_context(fake.stands_in_for(each))
        return fake


def _issuers_of(trusting: Any) -> list[Issuer]:
    """The issuers of a scheme or a verifier, and of what it is made of."""
    parts: tuple[object, ...] = ()
    match trusting:
        case Issuer():
            return [trusting]
        case Issuers(members=members):
            parts = members
        case DPoPVerifier(tokens=tokens):
            parts = (tokens,)
        case Auth(schemes=schemes) | Alternatives(schemes=schemes):
            parts = tuple(scheme.verifier for scheme in schemes)
        case _:
            pass
    return [issuer for part in parts for issuer in _issuers_of(part)]


def _name_of(audience: Audience) -> str:
    """A name of the API that a token may be for."""
    if isinstance(audience, str):
        return audience
    return next(iter(audience)) if isinstance(audience, Collection) else "any"
