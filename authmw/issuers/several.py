"""Several issuers at once: a token chooses by the ``iss`` it claims, and has to hold for exactly that one."""

from __future__ import annotations

from typing import ClassVar

from authmw.crypto.jws import shown
from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.issuer import Issuer
from authmw.issuers.peek import peek


class Issuers:
    """Verifies the tokens of several issuers: ``Issuers(a, b)``.

    The issuer that a token names has to have signed it. Nobody is asked about a token of an unknown issuer.

    Args:
        issuers: two or more. A ``sub`` is unique within an issuer only, so that all but one need a `subject_prefix`.

    Raises:
        ConfigurationError: two have one ``iss`` or one prefix.

    >>> staff = Issuer("https://login.example", audience="orders")
    >>> partners = Issuer("https://id.partner.example", audience="orders", subject_prefix="partner:")
    >>> Issuers(staff, partners)
    Issuers('https://login.example', 'https://id.partner.example')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The credentials it verifies."""

    def __init__(self, *issuers: Issuer) -> None:
        mistakes: list[str] = []
        if not issuers:
            mistakes.append("Issuers() needs an issuer: Issuers(Issuer('https://id.example', audience=...), ...)")
        by_name: dict[str, Issuer] = {}
        by_prefix: dict[str, Issuer] = {}
        for issuer in issuers:
            for name in issuer.issuers:
                if by_name.setdefault(name, issuer) is not issuer:
                    mistakes.append(f"two issuers have the iss {name!r}: name it once")
            other = by_prefix.setdefault(issuer.subject_prefix, issuer)
            if other is not issuer:
                mistakes.append(
                    f"{other.issuer!r} and {issuer.issuer!r} may both have a user of the same sub: "
                    "give one of them a subject_prefix='...' of its own"
                )
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.members: tuple[Issuer, ...] = issuers
        self._by_name = by_name
        # Of each: what its users' ids may not begin with, since it is how another's begin.
        self._foreign = {
            prefix: tuple(other for other in by_prefix if other != prefix and other.startswith(prefix))
            for prefix in by_prefix
        }

    @property
    def scheme(self) -> str:
        """The name of the scheme it is given to."""
        return self.members[0].scheme

    @scheme.setter
    def scheme(self, name: str) -> None:
        for issuer in self.members:
            issuer.scheme = name

    @property
    def version(self) -> tuple[int, ...]:
        """Changes when a key of any of them goes."""
        return tuple([issuer.version for issuer in self.members])

    def verify(
        self, credentials: BearerToken | BoundToken, request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict | None] | None:
        """Whether the token holds for the issuer that it names; None when it has not the two dots of a signed JWT."""
        if credentials.token.count(".") != 2:
            return None
        seen = peek(credentials.token)
        if seen is None:
            return Rejected(Reason.TOKEN_MALFORMED, "not built as a signed JWT is")
        issuer = self._by_name.get(seen.issuer or "")
        if issuer is None:
            return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(seen.issuer)}")
        verdict = issuer.verify(credentials, request)
        foreign = self._foreign[issuer.subject_prefix]
        if not foreign or isinstance(verdict, Rejected | None):
            return verdict
        return _own(verdict, foreign) if isinstance(verdict, Authenticated) else _owned(verdict, foreign)

    def __repr__(self) -> str:
        return f"Issuers({', '.join(repr(issuer.issuer) for issuer in self.members)})"


def _own(verdict: Verdict | None, foreign: tuple[str, ...]) -> Verdict | None:
    if isinstance(verdict, Authenticated) and verdict.principal.id.startswith(foreign):
        return Rejected(Reason.TOKEN_CLAIMS, "sub begins as the ids of another issuer's users do")
    return verdict


def _owned(flow: Flow[Verdict | None], foreign: tuple[str, ...]) -> Flow[Verdict | None]:
    return _own((yield from flow), foreign)
