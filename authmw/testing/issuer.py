"""Issuer for tests: it publishes keys, signs tokens and simulates failures, without sockets and without waiting."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, get_args

from authmw.crypto.jws import write_claims
from authmw.crypto.keyring import Key, KeyRing
from authmw.errors import ConfigurationError
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, in_seconds
from authmw.issuers.discovery import OAUTH, OPENID, well_known_urls
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, FetchFailed
from authmw.issuers.issuer import Issuer
from authmw.issuers.keys.key_cache import KeyCache
from authmw.issuers.keys.key_source import PublishedAt
from authmw.issuers.profiles import Profile, profile_of

Mode = Literal["up", "down", "slow", "error", "redirect", "huge", "not-json", "garbage", "wrong-issuer"]
"""The behaviour of a `FakeIssuer`: it answers; it refuses connections, takes too long, answers 500 or a redirect; its
answers are too long, an HTML page or random octets; its metadata names another issuer."""

_MODES: Final = get_args(Mode)
Shape = Literal["openid", "oauth", "openid-inserted"]
"""The well-known URL of the metadata: OpenID's, appended to the issuer (OpenID Connect Discovery 1.0 §4); OAuth's,
inserted in front of the issuer's path (RFC 8414 §3.1); or OpenID's, inserted in the same way."""


class FakeIssuer:
    """An issuer with throw-away keys. It is a `Fetcher`, and answers in process what else would go over the network.

    Args:
        issuer: its URL, which is the ``iss`` of its tokens.
        alg: the algorithm of its first key.
        shape: the place of its metadata.
        max_age: seconds, for the ``Cache-Control`` of its answers; None for no such header.
        audience: the API that its tokens are for, where `token` does not say so.
        profile: the form of its access tokens, as for `Issuer`.
        clock: seconds since the epoch, for the ``iat`` and ``exp`` of its tokens.

    >>> from authmw import Auth, HTTPBearer
    >>> fake = FakeIssuer()
    >>> auth = Auth(HTTPBearer(fake.verifier(audience="orders")))
    >>> token = fake.token("alice", audience="orders", scopes=["orders:read"])
    >>> fake.requests
    []
    """

    def __init__(
        self,
        issuer: str = "https://issuer.test",
        *,
        alg: str = "ES256",
        shape: Shape = "openid",
        max_age: Seconds | None = 3600,
        audience: str | Collection[str] | None = None,
        profile: str | Profile | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        """The API that its tokens are for, where `token` does not say so."""
        self.profile: Profile = profile_of(profile)
        """The form of its access tokens."""
        self.ring: KeyRing = KeyRing.generate(alg)
        """Its keys: the first one signs, all are published. `KeyRing.rotate` and `KeyRing.retire` change them."""
        self.jwks: Mapping[str, Any] | None = None
        """The JWK Set to publish instead of its keys, valid or not; None publishes its keys."""
        self.metadata: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer.rstrip('/')}/keys"}
        """The metadata that it publishes."""
        self.max_age: float | None = in_seconds(max_age)
        self.requests: list[str] = []
        """The URLs that were requested, in order."""
        self.on_request: Callable[[str], None] | None = None
        """Called with each URL before the answer, on the requesting thread. It may wait, or raise."""
        self._clock = clock
        self._mode: Mode = "up"
        self._metadata_url = _metadata_url(issuer, shape)

    @property
    def mode(self) -> Mode:
        """Its behaviour from now on.

        Raises:
            ConfigurationError: there is no such mode.
        """
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        if mode not in _MODES:
            raise ConfigurationError(f"mode={mode!r} is none of {', '.join(_MODES)}")
        self._mode = mode

    def verifier(self, *, audience: str | Collection[str], **options: Any) -> Issuer:
        """An `Issuer` for this issuer, with any of its arguments.

        Args:
            audience: the name of the API.
            options: the other arguments of `Issuer`.
        """
        options = {"fetcher": self, "clock": self._clock, "profile": self.profile, **options}
        return Issuer(self.issuer, audience=audience, **options)

    @contextmanager
    def stands_in_for(self, issuer: Issuer) -> Generator[None, None, None]:
        """While the block runs, let the `issuer` of an application fetch its keys from this one, without the network.

        Raises:
            ConfigurationError: `issuer` has another URL.
        """
        if issuer.issuer != self.issuer:
            raise ConfigurationError(f"{issuer!r} has another URL: make FakeIssuer({issuer.issuer!r})")
        real = issuer.keys
        issuer.keys = KeyCache(PublishedAt(self.issuer, self), name=self.issuer)
        try:
            yield
        finally:
            issuer.keys = real

    def token(
        self,
        subject: str = "alice",
        *,
        audience: str | Collection[str] | None = None,
        scopes: Collection[str] = (),
        client_id: str = "web",
        lifetime: Seconds = 600,
        key: Key | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """An access token (RFC 9068 §2), in the form of its `profile`.

        Args:
            subject: the user or client that it is for.
            audience: the API, or several; that of the issuer by default.
            scopes: the scopes that it grants.
            client_id: the client that it was issued to.
            lifetime: seconds until it expires; negative for an expired token.
            key: signs instead of the issuer's first key.
            header: changes to its header; ``...`` removes a member.
            claims: changes to its claims; ``...`` removes a claim.

        Raises:
            ConfigurationError: neither this nor the issuer says for which API, or the profile knows no scopes.
        """
        audience = self.audience if audience is None else audience
        if audience is None:
            raise ConfigurationError('say for which API the token is: token("alice", audience="orders")')
        now = int(self._clock())
        payload = {
            **dict.fromkeys(self.profile.required, "test"),
            "iss": self.issuer,
            "sub": subject,
            "aud": audience if isinstance(audience, str) else list(audience),
            "iat": now,
            "exp": now + in_seconds(lifetime),
            "jti": secrets.token_urlsafe(12),
            **_claims_of(self.profile, subject, scopes, client_id),
        }
        return self.sign({**payload, **claims}, header={"typ": self.profile.types[0] or ..., **(header or {})}, key=key)

    def id_token(self, subject: str = "alice", *, client_id: str = "web", **claims: Any) -> str:
        """An ID token (OpenID Connect Core 1.0 §2), which no API accepts."""
        now = int(self._clock())
        payload = {
            "iss": self.issuer, "sub": subject, "aud": client_id, "iat": now, "exp": now + 600,
            "auth_time": now, "nonce": secrets.token_urlsafe(12), "at_hash": secrets.token_urlsafe(16),
        }  # fmt: skip
        return self.sign({**payload, **claims}, header={"typ": "JWT"})

    def sign(
        self, claims: Mapping[str, Any], *, header: Mapping[str, Any] | None = None, key: Key | None = None
    ) -> str:
        """A token of exactly these `claims`, valid or not; ``...`` as a value removes a claim."""
        key = key or self.ring.signer
        members = {"alg": key.alg, "kid": key.kid, **(header or {})}
        return write_claims(_without_ellipses(claims), key, header=_without_ellipses(members))

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        """The answer of `url` in the current mode.

        Raises:
            FetchFailed: as an `HTTPFetcher` would raise it.
        """
        self.requests.append(url)
        if self.on_request is not None:
            self.on_request(url)
        self._fail()
        if url == self._metadata_url:
            other = {"issuer": "https://other.test"} if self.mode == "wrong-issuer" else {}
            return self._answer({**self.metadata, **other})
        if url == self.metadata["jwks_uri"]:
            return self._answer(self.ring.jwks() if self.jwks is None else self.jwks)
        return Fetched(404, {}, b"not found")

    def _fail(self) -> None:
        match self.mode:
            case "down":
                raise FetchFailed(f"{self.issuer}: ConnectionRefusedError")
            case "slow":
                raise FetchFailed(f"{self.issuer}: no complete answer within 5 s")
            case "redirect":
                raise AnswerRefused(f"{self.issuer}: it answers 302, and redirects are not followed")
            case "huge":
                raise AnswerRefused(f"{self.issuer}: its answer is longer than 1048576 bytes")
            case _:
                pass

    def _answer(self, document: Mapping[str, Any]) -> Fetched:
        headers = {} if self.max_age is None else {"cache-control": f"max-age={self.max_age}"}
        match self.mode:
            case "error":
                return Fetched(500, headers, b"Internal Server Error")
            case "not-json":
                return Fetched(200, headers, b"<!doctype html><title>Sign in</title>")
            case "garbage":
                return Fetched(200, headers, secrets.token_bytes(512))
            case _:
                return Fetched(200, headers, json.dumps(document).encode("utf-8"))

    def __repr__(self) -> str:
        return f"FakeIssuer({self.issuer!r})"


def _metadata_url(issuer: str, shape: Shape) -> str:
    urls = well_known_urls(issuer)
    if shape == "oauth":
        return next(url for url in urls if OAUTH in url)
    return [url for url in urls if OPENID in url][0 if shape == "openid" else -1]


def _claims_of(profile: Profile, subject: str, scopes: Collection[str], client_id: str) -> dict[str, Any]:
    """The claims of an access token in which a profile differs from others."""
    if scopes and not profile.scopes:
        raise ConfigurationError(f"access tokens of {profile.name} have no scopes: leave scopes= out")
    return {
        **dict.fromkeys(profile.users_have, subject),
        **{name: allowed[0] for name, allowed in profile.values.items()},
        **dict.fromkeys(profile.clients, client_id),
        **{claim: subject for claim, other in profile.equal if other == "sub"},
        **({profile.scopes[0]: " ".join(scopes)} if scopes else {}),
    }


def _without_ellipses(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}
