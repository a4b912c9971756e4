"""Verifier of JWT access tokens, with keys at hand (RFC 7519, RFC 9068 §4, RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from authmw.crypto.claims import ClaimRules, interned, is_identifier
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import NOT_THREE_SEGMENTS, JWSReader, shown
from authmw.crypto.keyring import KeyRing, mistakes_in_ring
from authmw.errors import ConfigurationError, Unavailable, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.flow.flow import Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.principal import Principal, PrincipalKind, checked_principal
from authmw.identity.scopes import is_scope, parse_scope
from authmw.identity.validity import Leeway
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.revoked import Issuance
from authmw.verifiers.binding import refuse_sender

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

ScopeClaim = str | tuple[str, ...] | Callable[[Mapping[str, Any]], Iterable[str]]
"""The place of the scopes: the name of a claim, several names whose scopes are joined, or a function of all claims."""

_KINDS: Final = (None, "user", "client", "api_key")
# The tokens of a program repeat some lists of scopes, a few or one for each user: this keeps one frozenset for each.
_MAX_KEPT: Final = 256  # characters of a list: no issuer can make it take more than some megabytes
_kept_scopes = lru_cache(maxsize=2**14)(parse_scope)


@explains_arguments('JWTVerifier(keys, issuer="https://...", audience="...")')
class JWTVerifier:
    """Verifies JWTs of one issuer, signed by a key of `keys`.

    `verify` is a plain function that asks no store and never waits. Only with `revocations` that are not fresh, it is
    a flow that asks their store.

    The id of the principal is the ``sub``. It is unique within an issuer only, so one verifier is for one issuer.
    The verdict may be remembered until ``exp``; during the leeway after it, the token is verified anew each time.

    Args:
        keys: the ring of the keys that may sign. Public keys are enough.
        issuer: the exact ``iss``; None to accept any.
        audience: the name of this API, or several, one of which must be in ``aud``. With None, a token that names
            any audience is refused (RFC 7519 §4.1.3).
        types: the ``typ`` of the header that are accepted. Only access tokens (RFC 9068 §2.1) are by default. An
            issuer that does not mark its tokens needs ``types=("at+jwt", "JWT", None)``, where None means no ``typ`` at
            all. Then only ``aud`` distinguishes an ID token from an access token.
        leeway: seconds by which the clock of the issuer may differ, 60 at most.
        required: claims that must be present besides ``exp`` and ``sub``, which are always required.
        scopes: the claims with the scopes: ``"scope"``, ``"permissions"``, ``("scp", "roles")``, or a function of all
            claims. A claim may be a space-separated string or a list of strings; a missing claim holds no scopes.
            A function must look at nothing but the claims: its answer is remembered with the token.
        kind: the kind of the principals; by default clients if ``sub`` is the ``client_id`` (RFC 9068 §2.2), else
            users.
        revocations: the revocations of this issuer, by ``jti``, ``sid``, ``sub`` or ``client_id``; None if tokens are
            valid until they expire.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> from authmw import KeyRing
    >>> JWTVerifier(KeyRing.generate(), issuer="https://id.example", audience="orders")
    JWTVerifier(issuer='https://id.example', audience=['orders'])
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken, BoundToken)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    expects: ClassVar[str] = "a signed JWT"
    """The kind of token that it knows, for the log."""
    ignores_request: ClassVar[bool] = True
    """Its verdicts may be remembered. A subclass has to say so again: it may look at the request."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        issuer: str | None,
        audience: str | Collection[str] | None,
        types: Collection[str | None] = ("at+jwt",),
        leeway: Seconds = 30,
        required: Collection[str] = (),
        scopes: ScopeClaim = "scope",
        kind: PrincipalKind | None = None,
        revocations: RevocationFeed | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        mistakes = mistakes_in_ring(keys, "JWTVerifier")
        if kind not in _KINDS:
            mistakes.append(f"kind={kind!r} has to be 'user', 'client' or 'api_key', or None to tell by the token")
        try:
            self.rules: ClaimRules = ClaimRules.of(
                issuer=issuer, audience=audience, types=types, leeway=leeway, required=required
            )
        except ConfigurationError as error:
            raise ConfigurationError(*mistakes, *error.mistakes) from None
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.reader: JWSReader = JWSReader(keys)
        self.clock = clock
        self._leeway = Leeway(self.rules.leeway, clock)
        self._scopes = scopes
        self._kind: PrincipalKind | None = kind
        self._revocations = revocations

    @property
    def version(self) -> int:
        """Changes with the keys. A verdict from before a change must not be used after it."""
        return self.reader.ring.current.version

    def verify(
        self, credentials: BearerToken | BoundToken, _request: RequestHead | None = None, /
    ) -> Verdict | Flow[Verdict] | None:
        """The verdict on the token; None if it does not have the two dots of a signed JWT.

        A token that is bound to a key (``cnf``) is accepted only with a proof by that key (RFC 9449 §7.2). The answer
        is a flow only if the store of revocations has to be asked.
        """
        jws = self.reader.read(credentials.token)
        if isinstance(jws, Rejected):
            return None if jws is NOT_THREE_SEGMENTS else jws
        try:
            claims = parse_object(jws.payload)
        except ValueError as error:
            return Rejected(Reason.TOKEN_MALFORMED, f"the payload: {error}")
        refused = self.rules.refuse(jws.header, claims, self.clock()) or refuse_sender(claims, credentials)
        if refused is not None:
            return refused
        scopes = self.granted(claims)
        if isinstance(scopes, Rejected):
            return scopes
        expires_at = claims["exp"]
        principal = self._principal(claims, scopes, jws.payload)
        authenticated = Authenticated(principal, expires_at, (), None, self._leeway)
        if self._revocations is None:
            return authenticated
        return _unless_revoked(authenticated, claims, self._revocations)

    def granted(self, claims: Mapping[str, Any]) -> frozenset[str] | Rejected:
        """The scopes that `claims` grant."""
        where = self._scopes
        if isinstance(where, str):
            return _read(where, claims.get(where, ""))
        if callable(where):
            return _call(where, claims)
        granted: frozenset[str] = frozenset()
        for name in where:
            found = _read(name, claims.get(name, ""))
            if isinstance(found, Rejected):
                return found
            granted |= found
        return granted

    def _principal(self, claims: Mapping[str, Any], scopes: frozenset[str], payload: bytes) -> Principal:
        subject, client_id = claims["sub"], claims.get("client_id")
        return checked_principal(
            subject,
            scopes,
            self._kind or ("client" if subject == client_id else "user"),
            _Claims(payload),
            self.scheme,
            interned(client_id),
            claims.get("jti"),
            claims["exp"],
        )

    def __repr__(self) -> str:
        audience = sorted(self.rules.audiences) or None
        return f"JWTVerifier(issuer={self.rules.issuer!r}, audience={audience!r})"


def _unless_revoked(
    authenticated: Authenticated, claims: Mapping[str, Any], revocations: RevocationFeed
) -> Verdict | Flow[Verdict]:
    principal, family_id = authenticated.principal, claims.get("sid")
    if "sid" in claims and not is_identifier(family_id):
        return Rejected(Reason.TOKEN_CLAIMS, "sid is no identifier")
    issuance = Issuance(principal.credential_id, family_id, principal.id, principal.client_id, claims.get("iat"))
    return revocations.check(issuance, authenticated)


class _Claims(bytes):
    """The claims, parsed at each call: a remembered payload takes a third of the memory of parsed claims."""

    __slots__ = ()

    def __call__(self) -> Mapping[str, Any]:
        return parse_object(self)


def _scopes_in(text: str) -> frozenset[str]:
    return _kept_scopes(text) if len(text) <= _MAX_KEPT else parse_scope(text)


def _read(name: str, value: object) -> frozenset[str] | Rejected:
    # RFC 8693 §4.2: a string, with spaces between the scopes. Several issuers send a list.
    try:
        if isinstance(value, str):
            return _scopes_in(value)
        if isinstance(value, list):
            return _each(cast("list[object]", value))
    except ValueError as error:
        return Rejected(Reason.TOKEN_CLAIMS, f"{name}: {error}")
    return Rejected(Reason.TOKEN_CLAIMS, f"{name} is {shown(value)}, neither a string nor a list of strings")


def _each(values: Collection[object]) -> frozenset[str]:
    scopes = [scope for scope in values if isinstance(scope, str) and is_scope(scope)]
    if len(scopes) != len(values):
        raise ValueError("not a list of scopes")
    return frozenset(scopes)


def _call(
    function: Callable[[Mapping[str, Any]], Iterable[str]], claims: Mapping[str, Any]
) -> frozenset[str] | Rejected:
    # The issuer writes the claims: if the function fails on them, the token is refused. An outage is none of its fault.
    try:
        found = function(claims)
        return _scopes_in(found) if isinstance(found, str) else _each(list(found))
    except Unavailable:
        raise
    except Exception as error:
        return Rejected(Reason.TOKEN_CLAIMS, f"the function for scopes: {type(error).__name__}")
