"""Verifier for the tokens of several issuers: the ``iss`` of a token chooses the one that must have signed it."""

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
from authmw.verifiers.base import says_it_ignores_the_request


class Issuers:
    """Verifies the tokens of several issuers: ``Issuers(a, b)``.

    The issuer that a token names must have signed it. A token of an unknown issuer causes no fetch.

    Args:
        issuers: two or more. A ``sub`` is unique within an issuer only, so all but one need a `subject_prefix`.

    Raises:
        ConfigurationError: two issuers have the same ``iss`` or the same prefix.

    >>> staff = Issuer("https://login.example", audience="orders")
    >>> partners = Issuer("https://id.partner.example", audience="orders", subject_prefix="partner:")
    >>> Issuers(staff, partners)
    Issuers('https://login.example', 'https://id.partner.example')
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The types of credentials that it verifies."""
    expects: ClassVar[str] = "a signed JWT"
    """The kind of token that it knows, for the log."""

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
        # For each issuer: the longer prefixes of other issuers. The ids of its users must not begin with one of these.
        self._other_prefixes = {
            prefix: tuple(other for other in by_prefix if other != prefix and other.startswith(prefix))
            for prefix in by_prefix
        }

    @property
    def scheme(self) -> str:
        """The name of the scheme that it belongs to."""
        return self.members[0].scheme

    @scheme.setter
    def scheme(self, name: str) -> None:
        for issuer in self.members:
            issuer.scheme = name

    @property
    def ignores_request(self) -> bool:
        """Whether its verdicts may be remembered: those of all its issuers may be."""
        return all(map(says_it_ignores_the_request, self.members))

    @property
    def version(self) -> tuple[int, ...]:
        """Changes when one of the issuers removes a key."""
        return tuple([issuer.version for issuer in self.members])

    def verify(
        self, credentials: BearerToken | BoundToken, request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict | None] | None:
        """The verdict of the issuer that the token names; None if it does not have the two dots of a signed JWT."""
        if credentials.token.count(".") != 2:
            return None
        seen = peek(credentials.token)
        if seen is None:
            return Rejected(Reason.TOKEN_MALFORMED, "not built as a signed JWT is")
        issuer = self._by_name.get(seen.issuer or "")
        if issuer is None:
            return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(seen.issuer)}")
        verdict = issuer.verify(credentials, request)
        prefixes = self._other_prefixes[issuer.subject_prefix]
        if not prefixes or isinstance(verdict, Rejected | None):
            return verdict
        return _check_id(verdict, prefixes) if isinstance(verdict, Authenticated) else _check_id_in(verdict, prefixes)

    def __repr__(self) -> str:
        return f"Issuers({', '.join(repr(issuer.issuer) for issuer in self.members)})"


def _check_id(verdict: Verdict | None, prefixes: tuple[str, ...]) -> Verdict | None:
    if isinstance(verdict, Authenticated) and verdict.principal.id.startswith(prefixes):
        return Rejected(Reason.TOKEN_CLAIMS, "sub begins as the ids of another issuer's users do")
    return verdict


def _check_id_in(flow: Flow[Verdict | None], prefixes: tuple[str, ...]) -> Flow[Verdict | None]:
    return _check_id((yield from flow), prefixes)
