"""Who may be trusted in the table of cases: every verdict has a credential of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authmw import (
    APIKeyHeader,
    Auth,
    Authenticated,
    BasicCredentials,
    BearerToken,
    HTTPBasic,
    HTTPBearer,
    Principal,
    Reason,
    Rejected,
    Verdict,
)
from authmw.flow import Ask, CallMode, Flow
from authmw.http.request import RequestHead
from tests.contract.cases import PAGES

ALICE: Final = Principal("alice", scopes={"orders:read", "orders:write"})
READER: Final = Principal("reader", scopes={"orders:read"})

TOKENS: Final[Mapping[str, Verdict | None]] = {
    "alice-token": Authenticated(ALICE),
    "reader-token": Authenticated(READER),
    "of-another-kind": None,
    "bad-signature": Rejected(Reason.TOKEN_SIGNATURE, "detail that never leaves"),
    "expired": Rejected(Reason.TOKEN_EXPIRED),
    "not-yet-valid": Rejected(Reason.TOKEN_NOT_YET_VALID),
    "wrong-issuer": Rejected(Reason.TOKEN_ISSUER),
    "wrong-audience": Rejected(Reason.TOKEN_AUDIENCE),
    "revoked": Rejected(Reason.TOKEN_REVOKED),
}
PASSWORDS: Final[Mapping[tuple[str, str], Verdict]] = {
    ("alice", "secret"): Authenticated(ALICE),
    ("alice", "se:cr:et"): Authenticated(ALICE),
    ("reader", "secret"): Authenticated(READER),
    ("jürgen", "pässwörd£"): Authenticated(Principal("jürgen")),
    ("alice", "wrong"): Rejected(Reason.PASSWORD_WRONG),
    ("locked", "secret"): Rejected(Reason.USER_DISABLED),
    ("throttled", "secret"): Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60),
    ("flood", "secret"): Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=30),
}


class StoreIsDown(Exception):
    """What a database driver might raise."""


class Tokens:
    """Bearer tokens; the store of ``store-down`` is down."""

    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Verdict | None]:
        yield from Ask(_raise_for, credentials.token)
        return TOKENS.get(credentials.token, Rejected(Reason.TOKEN_UNKNOWN))


class Passwords:
    """User names and passwords; the store is down for ``store-down``."""

    def verify(self, credentials: BasicCredentials, request: RequestHead, /) -> Flow[Verdict]:
        yield from Ask(_raise_for, credentials.username)
        known = PASSWORDS.get((credentials.username, credentials.password))
        return known if known is not None else Rejected(Reason.USER_UNKNOWN)


@CallMode.NONBLOCKING
def find_key(key: str) -> Principal | None:
    """A plain function as a verifier."""
    _raise_for(key)
    return {"alice-key": ALICE, "reader-key": READER}.get(key)


@CallMode.NONBLOCKING
def _raise_for(text: str) -> None:
    if text == "store-down":
        raise StoreIsDown("password=hunter2 host=db.internal")


def make_auth(**settings: Any) -> Auth:
    """The engine of the table, with further arguments of `Auth`."""
    return Auth(
        HTTPBearer(Tokens()) | HTTPBasic(Passwords()) | APIKeyHeader("X-API-Key", find_key),
        realm="orders",
        reason_pages=PAGES,
        **settings,
    )
