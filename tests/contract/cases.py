"""The table of cases: every row of the contract over HTTP, with the whole answer expected.

The answers are spelled out here and not made by authmw, so that a change of one byte is seen.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Final

PAGES: Final = "https://docs.example/reasons/"
REALM: Final = 'realm="orders"'
BASIC: Final = f'Basic {REALM}, charset="UTF-8"'
API_KEY: Final = f'ApiKey {REALM}, header="X-API-Key"'
VARY: Final = "Authorization, X-API-Key"
SCOPES: Final = "orders:read orders:write"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client sees of an answer, as far as it is ours."""

    status: int
    challenges: tuple[str, ...] = ()
    body: bytes = b""
    content_type: str = "application/problem+json"
    cache_control: str = "no-store"
    vary: str = VARY
    retry_after: str = ""
    location: str = ""
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One request and its answer.

    Args:
        id: the test's id.
        headers: as sent, in bytes.
        may_be_refused_by_server: the request is so malformed that a server may refuse it by itself.
        needs_socket: only a real request can say it: a WSGI environ or an ASGI scope made by hand cannot.
    """

    id: str
    answer: Answer
    headers: tuple[tuple[bytes, bytes], ...] = ()
    target: str = "/orders"
    method: str = "GET"
    may_be_refused_by_server: bool = False
    needs_socket: bool = False


def _problem(status: int, title: str, detail: str, code: str, *, error: str = "", scope: str = "") -> bytes:
    members: dict[str, object] = {
        "type": f"{PAGES}{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": f"authmw.{code}",
    }
    if error:
        members |= {"error": error, "error_description": detail}
    if scope:
        members["scope"] = scope
    return json.dumps(members, separators=(",", ":")).encode()


def _unauthorized(detail: str, code: str, *, error: str = "", scope: str = "") -> Answer:
    bearer = f"Bearer {REALM}"
    if error:
        bearer += f', error="{error}", error_description="{detail}"'
    if scope:
        bearer += f', scope="{scope}"'
    body = _problem(401, "Unauthorized", detail, code, error=error, scope=scope)
    return Answer(401, (bearer, BASIC, API_KEY), body)


ANSWERED_PREFLIGHT: Final = Answer(204, content_type="", cache_control="")
MISSING: Final = _unauthorized("Authentication is required.", "credentials-missing")
MISSING_FOR_ORDERS: Final = _unauthorized("Authentication is required.", "credentials-missing", scope=SCOPES)
BAD_TOKEN: Final = _unauthorized("The access token is invalid.", "token-invalid", error="invalid_token")
EXPIRED: Final = _unauthorized("The access token expired.", "token-expired", error="invalid_token")
BAD_CREDENTIALS: Final = _unauthorized("The credentials are invalid.", "credentials-invalid")

_TWO: Final = "More than one Authorization credential was sent."
TWO_CREDENTIALS: Final = Answer(
    400,
    (f'Bearer {REALM}, error="invalid_request", error_description="{_TWO}"', BASIC, API_KEY),
    _problem(400, "Bad Request", _TWO, "authorization-duplicate", error="invalid_request"),
)
TWO_KEYS: Final = Answer(
    400,
    (f"Bearer {REALM}", BASIC, API_KEY),
    _problem(
        400, "Bad Request", "The credential was sent more than once.", "credential-duplicate", error="invalid_request"
    ),
)
_SCOPE_MISSING: Final = _problem(
    403,
    "Forbidden",
    "The request requires higher privileges than provided.",
    "scope-missing",
    error="insufficient_scope",
    scope=SCOPES,
)
SCOPE_MISSING: Final = Answer(403, (f'Bearer {REALM}, error="insufficient_scope", scope="{SCOPES}"',), _SCOPE_MISSING)
SCOPE_MISSING_WITHOUT_BEARER: Final = Answer(403, (), _SCOPE_MISSING)
FORBIDDEN: Final = Answer(403, (), _problem(403, "Forbidden", "Access is not permitted.", "forbidden"))
TOO_MANY: Final = Answer(
    429,
    (),
    _problem(429, "Too Many Requests", "Too many attempts. Try again later.", "too-many-attempts"),
    retry_after="30",
)
NO_CHECK_FREE: Final = Answer(
    503,
    (),
    _problem(503, "Service Unavailable", "No check is free just now. Try again later.", "account-throttled"),
    retry_after="60",
)
UNAVAILABLE: Final = Answer(
    503,
    (),
    _problem(503, "Service Unavailable", "Authentication is temporarily unavailable.", "unavailable"),
    retry_after="5",
)


def _let_in(who: str) -> Answer:
    return Answer(200, (), f"hello {who}".encode(), "text/plain; charset=utf-8", cache_control="")


ALICE: Final = _let_in("alice")
ALICE_BY_KEY: Final = replace(ALICE, cache_control="private")
NOBODY: Final = _let_in("nobody")

Headers = tuple[tuple[bytes, bytes], ...]


def _authorization(*values: str | bytes) -> Headers:
    return tuple((b"Authorization", value if isinstance(value, bytes) else value.encode()) for value in values)


def _key(*values: str | bytes) -> Headers:
    return tuple((b"X-API-Key", value if isinstance(value, bytes) else value.encode()) for value in values)


def _basic(user_pass: str | bytes) -> Headers:
    raw = user_pass if isinstance(user_pass, bytes) else user_pass.encode()
    return _authorization(b"Basic " + b64encode(raw))


_TOKEN: Final = _authorization("Bearer alice-token")
_PREFLIGHT: Final = ((b"Origin", b"https://shop.example"), (b"Access-Control-Request-Method", b"GET"))

OUTCOMES: Final = (
    Case("no-credentials", MISSING_FOR_ORDERS),
    Case("no-credentials-where-no-scope-is-asked", MISSING, target="/me"),
    Case("scheme-nobody-speaks", MISSING_FOR_ORDERS, _authorization("Negotiate YWJj")),
    Case("token-of-a-kind-nobody-knows", BAD_TOKEN, _authorization("Bearer of-another-kind")),
    Case(
        "token-of-a-kind-nobody-knows-beside-a-key",
        BAD_TOKEN,
        _authorization("Bearer of-another-kind") + _key("alice-key"),
    ),
    Case("bad-token-beside-a-key", BAD_TOKEN, _authorization("Bearer bad-signature") + _key("alice-key")),
    Case("scheme-nobody-speaks-beside-a-key", ALICE_BY_KEY, _authorization("Negotiate YWJj") + _key("alice-key")),
    Case("bearer", ALICE, _TOKEN),
    Case("basic", ALICE, _basic("alice:secret")),
    Case("api-key", ALICE_BY_KEY, _key("alice-key")),
    Case("token-bad-signature", BAD_TOKEN, _authorization("Bearer bad-signature")),
    Case("token-expired", EXPIRED, _authorization("Bearer expired")),
    Case("token-not-yet-valid", BAD_TOKEN, _authorization("Bearer not-yet-valid")),
    Case("token-wrong-issuer", BAD_TOKEN, _authorization("Bearer wrong-issuer")),
    Case("token-wrong-audience", BAD_TOKEN, _authorization("Bearer wrong-audience")),
    Case("token-revoked", BAD_TOKEN, _authorization("Bearer revoked")),
    Case("token-unknown", BAD_TOKEN, _authorization("Bearer never-issued")),
    Case("key-unknown", BAD_CREDENTIALS, _key("never-issued")),
    Case("two-tokens", TWO_CREDENTIALS, _authorization("Bearer alice-token", "Bearer alice-token")),
    Case("two-schemes", TWO_CREDENTIALS, _authorization("Bearer alice-token", "Basic YWxpY2U6c2VjcmV0")),
    Case("token-beside-an-empty-header", TWO_CREDENTIALS, _authorization("Bearer alice-token", "")),
    Case("two-tokens-folded-by-a-comma", TWO_CREDENTIALS, _authorization("Bearer alice-token, Bearer alice-token")),
    Case("two-keys", TWO_KEYS, _key("alice-key", "alice-key")),
    Case("two-keys-folded-by-a-comma", TWO_KEYS, _key("alice-key,alice-key")),
    Case("password-wrong", BAD_CREDENTIALS, _basic("alice:wrong")),
    Case("user-unknown", BAD_CREDENTIALS, _basic("nobody:secret")),
    Case("user-locked", BAD_CREDENTIALS, _basic("locked:secret")),
    Case("no-check-free-for-the-user", NO_CHECK_FREE, _basic("throttled:secret")),
    Case("source-throttled", TOO_MANY, _basic("flood:secret")),
    Case("scope-missing", SCOPE_MISSING, _authorization("Bearer reader-token")),
    Case("scope-missing-by-basic", SCOPE_MISSING_WITHOUT_BEARER, _basic("reader:secret")),
    Case("scope-missing-by-key", SCOPE_MISSING_WITHOUT_BEARER, _key("reader-key")),
    Case("predicate-says-no", FORBIDDEN, _authorization("Bearer reader-token"), target="/mine"),
    Case("predicate-says-yes", ALICE, _TOKEN, target="/mine"),
    Case("token-store-down", UNAVAILABLE, _authorization("Bearer store-down")),
    Case("user-store-down", UNAVAILABLE, _basic("store-down:secret")),
    Case("key-store-down", UNAVAILABLE, _key("store-down")),
)

_HUGE: Final = "a" * (8 * 1024 + 1)

READING: Final = (
    Case("scheme-in-lower-case", ALICE, _authorization("bearer alice-token")),
    Case("scheme-in-upper-case", ALICE, _authorization("BEARER alice-token")),
    Case("scheme-in-mixed-case", ALICE, _authorization("bAsIc YWxpY2U6c2VjcmV0")),
    Case("several-spaces", ALICE, _authorization("Bearer    alice-token")),
    Case("space-around-the-value", ALICE, _authorization("  Bearer alice-token  ")),
    Case("tab-around-the-value", ALICE, _authorization("\tBearer alice-token\t")),
    Case("tab-instead-of-space", BAD_TOKEN, _authorization("Bearer\talice-token")),
    Case("tab-after-space", BAD_TOKEN, _authorization("Bearer \talice-token")),
    *(
        Case(name, BAD_TOKEN, _authorization(value), may_be_refused_by_server=True)
        for name, value in {
            "control-0x01": b"Bearer alice-\x01token",
            "control-0x7f": b"Bearer alice-token\x7f",
            "control-0x1f-instead-of-space": b"Bearer\x1falice-token",
            "nul": b"Bearer alice-token\x00",
        }.items()
    ),
    Case("bearer-alone", BAD_TOKEN, _authorization("Bearer")),
    Case("bearer-and-a-space", BAD_TOKEN, _authorization("Bearer ")),
    Case("bearer-with-two-words", BAD_TOKEN, _authorization("Bearer alice token")),
    Case("bearer-quoted", BAD_TOKEN, _authorization('Bearer "alice-token"')),
    Case("bearer-percent", BAD_TOKEN, _authorization("Bearer alice%2Dtoken")),
    Case("bearer-only-padding", BAD_TOKEN, _authorization("Bearer ====")),
    Case("bearer-padding-inside", BAD_TOKEN, _authorization("Bearer ali=ce")),
    Case("bearer-utf-8", BAD_TOKEN, _authorization("Bearer jürgen")),
    Case("bearer-bytes", BAD_TOKEN, _authorization(b"Bearer \xff\xfe")),
    Case("bearer-longer-than-8-KiB", BAD_TOKEN, _authorization(f"Bearer {_HUGE}"), may_be_refused_by_server=True),
    Case("authorization-empty", MISSING_FOR_ORDERS, _authorization("")),
    Case("authorization-without-scheme", MISSING_FOR_ORDERS, _authorization("=alice-token")),
    Case("token-alone", MISSING_FOR_ORDERS, _authorization("alice-token")),
    Case("basic-utf-8", _let_in("jürgen"), _basic("jürgen:pässwörd£"), target="/me"),
    Case("basic-password-with-colons", ALICE, _basic("alice:se:cr:et")),
    Case("basic-latin-1", BAD_CREDENTIALS, _basic("jürgen:pässwörd£".encode("latin-1"))),
    Case("basic-alone", BAD_CREDENTIALS, _authorization("Basic")),
    Case("basic-without-colon", BAD_CREDENTIALS, _basic("alice")),
    Case("basic-without-user", BAD_CREDENTIALS, _basic(":secret")),
    Case("basic-without-password", BAD_CREDENTIALS, _basic("alice:")),
    Case("basic-control-character", BAD_CREDENTIALS, _basic("alice:secret\x00")),
    Case("basic-newline", BAD_CREDENTIALS, _basic("alice\n:secret")),
    Case("basic-c1-control", BAD_CREDENTIALS, _basic("alice:secret\x85")),
    Case("basic-junk-inside-base64", BAD_CREDENTIALS, _authorization("Basic YWxp!Y2U6c2VjcmV0")),
    Case("basic-junk-behind-base64", BAD_CREDENTIALS, _authorization("Basic YWxpY2U6c2VjcmV0!")),
    Case("basic-two-words", BAD_CREDENTIALS, _authorization("Basic YWxpY2U6 c2VjcmV0")),
    Case("basic-base64url", BAD_CREDENTIALS, _authorization("Basic YWxpY2U6Pz8_")),
    Case("basic-padding-missing", BAD_CREDENTIALS, _authorization("Basic YWxpY2U6c2VjcmV0MQ")),
    Case("basic-trailing-bits", BAD_CREDENTIALS, _authorization("Basic YWxpY2U6c2VjcmV0MR==")),
    Case("basic-user-too-long", BAD_CREDENTIALS, _basic("a" * 257 + ":secret")),
    Case("basic-password-too-long", BAD_CREDENTIALS, _basic("alice:" + "a" * 1025)),
    Case("key-with-space-around", ALICE_BY_KEY, _key("  alice-key ")),
    Case("key-empty", BAD_CREDENTIALS, _key("")),
    Case("key-with-a-space", BAD_CREDENTIALS, _key("alice key")),
    Case("key-non-ascii", BAD_CREDENTIALS, _key("älice-key")),
    Case("key-longer-than-8-KiB", BAD_CREDENTIALS, _key(_HUGE), may_be_refused_by_server=True),
    Case("token-in-the-query", MISSING, target="/me?access_token=alice-token"),
    Case("key-in-the-query", MISSING, target="/me?X-API-Key=alice-key"),
    Case("key-under-an-underscore-name", MISSING, ((b"X_API_Key", b"alice-key"),), target="/me", needs_socket=True),
    Case("remote-user-header", MISSING, ((b"Remote-User", b"alice"),), target="/me"),
    Case("underscore-remote-user", MISSING, ((b"Remote_User", b"alice"),), target="/me", needs_socket=True),
    Case("key-beside-a-foreign-scheme", ALICE_BY_KEY, (*_authorization("Negotiate YWJj"), *_key("alice-key"))),
    Case("bad-token-beside-a-good-key", BAD_TOKEN, (*_authorization("Bearer revoked"), *_key("alice-key"))),
)

PATHS: Final = (
    Case("public-path", NOBODY, target="/health"),
    Case("public-path-with-credentials", ALICE, _TOKEN, target="/health"),
    Case("public-path-with-a-bad-token", BAD_TOKEN, _authorization("Bearer revoked"), target="/health"),
    Case("public-path-with-a-foreign-scheme", MISSING, _authorization("Negotiate YWJj"), target="/health"),
    Case("public-path-by-another-method", MISSING, target="/docs/intro", method="POST"),
    Case("public-below", NOBODY, target="/docs/intro"),
    Case("public-path-with-a-query", NOBODY, target="/health?verbose=1"),
    Case("public-path-with-a-slash", MISSING, target="/health/"),
    Case("public-path-in-another-case", MISSING, target="/Health"),
    Case("unknown-path", MISSING, target="/nowhere"),
    Case("options-without-preflight", MISSING, target="/me", method="OPTIONS"),
    Case("options-with-origin-only", MISSING, _PREFLIGHT[:1], target="/me", method="OPTIONS"),
    Case("preflight", ANSWERED_PREFLIGHT, _PREFLIGHT, target="/me", method="OPTIONS"),
    Case("preflight-of-an-unknown-path", ANSWERED_PREFLIGHT, _PREFLIGHT, target="/nowhere", method="OPTIONS"),
    Case("preflight-headers-on-get", MISSING_FOR_ORDERS, _PREFLIGHT),
    Case("preflight-with-a-bad-token", BAD_TOKEN, (*_PREFLIGHT, *_authorization("Bearer revoked")), method="OPTIONS"),
    Case("head", Answer(401, MISSING.challenges), target="/me", method="HEAD"),
)

CASES: Final = OUTCOMES + READING + PATHS
