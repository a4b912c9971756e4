"""The client of introspection against the endpoint of our own token service: what one issues, the other understands."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

import pytest

from authmw.flow.flow import run
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.fetching.fetch import Fetched
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from tests.oauth2.asking import ISSUER, KEYS, MOUNTS, NOW, Bench

ODD: Final = "odd:id+%/client"
KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])


class ToBench:
    """A `Fetcher` whose network is a service in this process."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        sent = [(name.lower(), value) for name, value in (headers or {}).items()]
        answer = self._bench.post(dict(form or {}), sent, path=url.removeprefix(ISSUER))
        return Fetched(answer.status, dict(answer.headers), answer.body)


def verifier(bench: Bench, **options: Any) -> IntrospectionVerifier:
    secret = bench.client(ODD, audiences=["orders"], auth_method=options.get("method", "client_secret_basic"))
    given: dict[str, Any] = {
        "audience": "orders",
        "client_id": ODD,
        "client_secret": secret,
        "issuer": ISSUER,
        **options,
    }
    return IntrospectionVerifier(f"{ISSUER}/introspect", fetcher=ToBench(bench), clock=bench.clock, keep=0, **given)


def verify(verifier: IntrospectionVerifier, token: str) -> Verdict | None:
    found = verifier.verify(BearerToken(token))
    return run(found) if isinstance(found, Generator) else found


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_an_access_token_is_taken_for_what_it_is(options: dict[str, Any], mount: str, method: str) -> None:
    bench = Bench(mount, **options)
    verdict = verify(verifier(bench, method=method), bench.log_in(scope="orders:read").json["access_token"])
    assert isinstance(verdict, Authenticated), verdict
    principal = verdict.principal
    assert (principal.id, principal.kind, sorted(principal.scopes)) == ("user-1", "user", ["orders:read"])
    assert (principal.client_id, principal.expires_at) == ("first-party", NOW + 600)


@KINDS
def test_what_is_revoked_or_expired_or_refreshes_or_is_garbage_is_refused(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    asking = verifier(bench)
    issued = bench.log_in().json
    for token in (issued["refresh_token"], "garbage", f"{issued['access_token']}x"):
        assert verify(asking, token) == Rejected(
            Reason.TOKEN_UNKNOWN, "the authorization server says that it is not active"
        )
    assert isinstance(verify(asking, issued["access_token"]), Authenticated)
    bench.clock.now += 601
    assert isinstance(verify(asking, issued["access_token"]), Rejected)
    again = bench.log_in().json
    assert isinstance(verify(asking, again["access_token"]), Authenticated)
    assert bench.post({"token": again["refresh_token"]}, path="/revoke").status == 200
    assert isinstance(verify(asking, again["access_token"]), Rejected)
