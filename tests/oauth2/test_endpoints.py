"""Rules of every endpoint: forms, methods, headers and errors, with the same bytes through WSGI and ASGI."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from authmw.asgi import Mount
from authmw.errors import ConfigurationError
from authmw.http.reasons import Reason
from authmw.http.request import MAX_FORM
from authmw.http.response import Response
from authmw.identity.verdict import Rejected
from authmw.oauth2.endpoints import ENDPOINTS, check_service
from authmw.oauth2.reply import (
    OAuthError,
    empty_response,
    invalid_client,
    invalid_grant,
    json_response,
    method_not_allowed,
    no_such_endpoint,
    throttled,
    unavailable,
)
from tests.oauth2.asking import FORM, MOUNTS, Answer, Bench, Counting, basic, exchange, raw_basic, scope_of

LOGIN = b"grant_type=password&username=alice&password=correct+horse"
ORIGIN = ("origin", "https://app.example")
PREFLIGHT = [ORIGIN, ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")]


@dataclass(frozen=True, slots=True)
class Case:
    """One request to the token endpoint, and what is expected of the answer."""

    id: str
    status: int
    error: str = ""
    body: bytes = LOGIN
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    content_type: str = FORM
    method: str = "POST"
    path: str = "/token"


CASES = [
    Case("a login", 200),
    Case("a charset", 200, content_type=f"{FORM}; charset=UTF-8"),
    Case("another case", 200, content_type="Application/X-WWW-Form-Urlencoded"),
    Case("parameters of no meaning", 200, body=LOGIN + b"&foo=bar&baz"),
    Case("empty parameters", 200, body=LOGIN + b"&scope=&client_id=&client_secret=&client_assertion="),
    Case("empty pairs", 200, body=b"&" + LOGIN + b"&&"),
    Case("Swagger UI", 200, headers=raw_basic(b":")),
    Case("JSON", 400, "invalid_request", b"{}", content_type="application/json"),
    Case("multipart", 400, "invalid_request", content_type="multipart/form-data; boundary=x"),
    Case("no type", 400, "invalid_request", content_type=""),
    Case("in the query", 400, "invalid_request", b"", path=f"/token?{LOGIN.decode()}"),
    Case("a type that begins alike", 400, "invalid_request", content_type=f"{FORM}x"),
    Case("nothing", 400, "invalid_request", b""),
    Case("no grant type", 400, "invalid_request", LOGIN[20:]),
    Case("an empty grant type", 400, "invalid_request", b"grant_type=" + LOGIN[19:]),
    Case("an unknown grant type", 400, "unsupported_grant_type", b"grant_type=implicit"),
    Case("a code", 400, "unsupported_grant_type", b"grant_type=authorization_code&code=x"),
    Case("a parameter twice", 400, "invalid_request", LOGIN + b"&username=bob"),
    Case("a parameter twice in two spellings", 400, "invalid_request", LOGIN + b"&user%6Eame=bob"),
    Case("a parameter twice and empty", 400, "invalid_request", LOGIN + b"&scope=&scope="),
    Case("an unknown parameter twice", 400, "invalid_request", LOGIN + b"&foo=1&foo=2"),
    Case("a bad escape", 400, "invalid_request", LOGIN + b"&scope=%zz"),
    Case("a bad escape in a name", 400, "invalid_request", LOGIN + b"&%=1"),
    Case("no UTF-8", 400, "invalid_request", LOGIN + b"&scope=%ff"),
    Case("no ASCII", 400, "invalid_request", LOGIN + "&scope=é".encode()),
    Case("NUL", 400, "invalid_request", LOGIN + b"&scope=%00"),
    Case("a value of 50 kB", 400, "invalid_scope", LOGIN + b"&scope=" + b"a" * 50_000),
    Case("100 kB", 413, "invalid_request", LOGIN + b"&scope=" + b"a" * 100_000),
    Case("one byte too many", 413, "invalid_request", LOGIN + b"&x=" + b"a" * (MAX_FORM - len(LOGIN) - 2)),
    Case("a wrong password", 400, "invalid_grant", LOGIN + b"x"),
    Case("a wrong client", 401, "invalid_client", headers=basic("shop", "x")),
    Case("a public client", 401, "invalid_client", LOGIN + b"&client_id=nobody"),
    Case("two credentials", 400, "invalid_request", headers=basic("shop", "x") + basic("shop", "x")),
    Case("GET", 405, "invalid_request", b"", method="GET"),
    Case("PUT", 405, "invalid_request", method="PUT"),
    Case("an unknown method", 405, "invalid_request", method="BREW"),
    Case("another case of the method", 405, "invalid_request", method="post"),
    Case("an unknown path", 404, "invalid_request", path="/tokens"),
    Case("a path that ends in a slash", 404, "invalid_request", path="/token/"),
    Case("no path", 404, "invalid_request", path=""),
]


def asked(mount: str, case: Case) -> Answer:
    """The answer to a case, with randomness that is the same each time."""
    bench = Bench(mount, entropy=Counting())
    headers = [("content-type", case.content_type), *case.headers]
    return bench.ask(case.method, case.path, headers, case.body)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_g1_g2_g3_g4_g7_every_request_gets_its_answer_and_the_same_under_wsgi_and_asgi(case: Case) -> None:
    answers = [asked(mount, case) for mount in ("wsgi", "asgi")]
    assert answers[0] == answers[1]
    assert (answers[0].status, answers[0].error) == (case.status, case.error)


FORMS = ("/token", "/revoke", "/introspect")


def good_form(bench: Bench, path: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """A form and a header that `path` answers with 200."""
    header = basic("shop", bench.client())
    form = {"grant_type": "client_credentials"} if path == "/token" else {"token": "x"}
    return form, header


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("mount", MOUNTS)
def test_g1_each_form_endpoint_reads_a_form_in_the_body_and_nothing_else(mount: str, path: str) -> None:
    bench = Bench(mount)
    form, header = good_form(bench, path)
    assert bench.post(form, header, path=path).status == 200
    elsewhere = bench.post({}, header, path=f"{path}?{urlencode(form)}")
    as_json = bench.post(json.dumps(form).encode(), header, path=path, content_type="application/json")
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{each}"\r\n\r\n{form[each]}\r\n' for each in form)
    multipart = bench.post(
        f"{parts}--x--\r\n".encode(), header, path=path, content_type="multipart/form-data; boundary=x"
    )
    for answer in (elsewhere, as_json, multipart):
        assert (answer.status, answer.error) == (400, "invalid_request")
    # Nor is what is there as well looked at, a secret least of all.
    beside = bench.post(form, header, path=f"{path}?client_id=other&client_secret=x&token=y&grant_type=password")
    assert (beside.status, beside.body[:9]) == (200, bench.post(form, header, path=path).body[:9])


@pytest.mark.parametrize("path", FORMS)
def test_g2_g3_each_form_endpoint_refuses_what_is_there_twice_and_ignores_what_it_does_not_know(path: str) -> None:
    bench = Bench()
    form, header = good_form(bench, path)
    body = urlencode(form).encode()
    for twice in (body + b"&" + body, body + b"&x=1&x=1", body + b"&x=&x="):
        answer = bench.post(twice, header, path=path)
        assert (answer.status, answer.error) == (400, "invalid_request")
    assert bench.post(body + b"&nonsense=1&client_id=&token_type_hint=&scope=", header, path=path).status == 200


ORDERS = "https://orders.example"
BILLING = "https://billing.example/api"


@pytest.mark.parametrize(
    "asked, told",
    [
        ([], ""),
        ([""], ""),
        ([ORDERS, BILLING], ""),
        ([BILLING, ORDERS, ORDERS], ""),
        ([ORDERS], "invalid_target"),
        ([ORDERS, BILLING, "https://elsewhere.example"], "invalid_target"),
        (["https://elsewhere.example"], "invalid_target"),
        (["orders"], "invalid_target"),
    ],
    ids=str,
)
def test_t8_g2_a_token_for_other_resources_than_there_are_is_an_invalid_target(asked: list[str], told: str) -> None:
    bench = Bench(audience=[ORDERS, BILLING])
    token = bench.log_in().json["refresh_token"]
    resources = [("resource", each) for each in asked]
    refresh = urlencode([("grant_type", "refresh_token"), ("refresh_token", token), *resources]).encode()
    answers = [bench.post(refresh), bench.post(LOGIN + b"&" + urlencode(resources).encode())]
    assert [(answer.status, answer.error) for answer in answers] == [(400 if told else 200, told)] * 2
    if told:
        assert bench.refresh(token).status == 200  # and nothing was used up


@pytest.mark.parametrize(
    "wrong, given", [(object(), "object"), (None, "NoneType"), (Bench, "Bench")], ids=["an object", "none", "a class"]
)
def test_what_is_mounted_is_a_token_service(wrong: object, given: str) -> None:
    check_service(Bench().service, "token_routes")
    with pytest.raises(ConfigurationError) as raised:
        check_service(wrong, "token_routes")
    told = f"{given} is no token service: write token_routes(service), where service = TokenService(...)"
    assert raised.value.mistakes == (told,)


@pytest.mark.parametrize("path", FORMS)
def test_g5_successes_and_errors_are_not_kept(path: str) -> None:
    bench = Bench()
    form, header = good_form(bench, path)
    success, error = bench.post(form, header, path=path), bench.post({}, header, path=path)
    assert (success.status, error.status) == (200, 400)
    for answer in (success, error):
        assert answer.header("cache-control") == "no-store"
    assert error.header("content-type") == "application/json"
    if path != "/revoke":  # which has nothing to tell
        assert success.header("content-type") == "application/json"


def test_t1_a_grant_type_is_needed_and_has_to_be_one_that_there_is() -> None:
    bench = Bench()
    header = basic("shop", bench.client())
    answers = [
        bench.post(form, header)
        for form in ({}, {"grant_type": ""}, {"grant_type": "Client_Credentials"}, {"grant_type": "implicit"})
    ]
    assert [(answer.status, answer.error) for answer in answers] == [
        (400, "invalid_request"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
        (400, "unsupported_grant_type"),
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_g5_every_answer_is_json_that_nobody_keeps(case: Case) -> None:
    answer = asked("wsgi", case)
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-length") == str(len(answer.body))
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize(
    "path, allowed",
    [
        ("/token", "POST, OPTIONS"),
        ("/revoke", "POST, OPTIONS"),
        ("/introspect", "POST, OPTIONS"),
        ("/jwks.json", "GET, HEAD, OPTIONS"),
        ("/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.parametrize("mount", MOUNTS)
def test_g4_a_wrong_method_is_told_the_right_ones(mount: str, path: str, allowed: str) -> None:
    answer = Bench(mount).ask("DELETE", path)
    assert (answer.status, answer.header("allow")) == (405, allowed)
    options = Bench(mount).ask("OPTIONS", path)
    assert (options.status, options.header("allow"), options.body) == (204, allowed, b"")
    assert options.header("content-length") is None


@pytest.mark.parametrize("mount", MOUNTS)
def test_head_has_the_head_of_get_and_no_body(mount: str) -> None:
    bench = Bench(mount)
    path = "/.well-known/oauth-authorization-server"
    head, get = bench.ask("HEAD", path), bench.ask("GET", path)
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")
    assert get.body


@pytest.mark.parametrize("path", [path for path, endpoint in ENDPOINTS.items() if endpoint.cors])
@pytest.mark.parametrize("mount", MOUNTS)
def test_g10_scripts_of_any_origin_may_ask_and_send_no_cookies(mount: str, path: str) -> None:
    answer = Bench(mount).ask("OPTIONS", path, PREFLIGHT)
    told = {name: value for name, value in answer.headers if name.startswith("access-control-")}
    assert told == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": answer.header("allow"),
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-max-age": "600",
    }
    error = Bench(mount).ask("DELETE", path, [ORIGIN])
    assert error.header("access-control-allow-origin") == "*"


def test_g10_scripts_may_not_ask_what_resource_servers_ask() -> None:
    for answer in (Bench().ask("OPTIONS", "/introspect", PREFLIGHT), Bench().post({}, [ORIGIN], path="/introspect")):
        assert [name for name, _ in answer.headers if name.startswith("access-control-")] == []


def head_of(length: int, kind: str = "application/json") -> tuple[tuple[str, str], ...]:
    """The headers of an answer that nobody keeps."""
    content = (("Content-Type", kind), ("Content-Length", str(length)))
    return (*content, ("Cache-Control", "no-store"), ("Pragma", "no-cache"))


def test_g6_an_error_without_more_is_its_code_and_a_400() -> None:
    error = OAuthError("invalid_scope")
    assert error == OAuthError("invalid_scope", "", 400, (), "", "")
    body = b'{"error":"invalid_scope"}'
    assert error.response() == Response(400, head_of(len(body)), body)


def test_g6_all_of_an_error_but_what_is_for_the_log_is_in_its_answer() -> None:
    error = OAuthError("invalid_client", "Say why.", 401, (("WWW-Authenticate", "Basic"),), "a detail", "a reason")
    body = b'{"error":"invalid_client","error_description":"Say why."}'
    assert error.response() == Response(401, (*head_of(len(body)), ("WWW-Authenticate", "Basic")), body)
    refused = OAuthError("invalid_client", "Client authentication failed.", 401)
    assert invalid_client('a"b', basic=False) == refused
    challenge = (("WWW-Authenticate", 'Basic realm="a\\"b"'),)
    assert invalid_client('a"b', basic=True, detail="why") == replace(refused, headers=challenge, detail="why")
    assert invalid_grant() == OAuthError("invalid_grant", "The grant is invalid, expired or revoked.")
    assert invalid_grant("No.", detail="d", reason="r") == OAuthError("invalid_grant", "No.", detail="d", reason="r")
    assert throttled(Rejected(Reason.PASSWORD_WRONG)) is None
    assert throttled(Rejected(Reason.ACCOUNT_THROTTLED)) == OAuthError(
        "temporarily_unavailable",
        "Try again later.",
        503,
        (("Retry-After", "1"),),
        Reason.ACCOUNT_THROTTLED.code,
        Reason.ACCOUNT_THROTTLED.code,
    )
    assert throttled(Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=8)) == OAuthError(
        "temporarily_unavailable",
        Reason.TOO_MANY_ATTEMPTS.description,
        429,
        (("Retry-After", "8"),),
        Reason.TOO_MANY_ATTEMPTS.code,
        Reason.TOO_MANY_ATTEMPTS.code,
    )
    assert method_not_allowed("GET", "HEAD") == OAuthError(
        "invalid_request", "Use GET or HEAD.", 405, (("Allow", "GET, HEAD"),)
    )
    assert no_such_endpoint() == OAuthError("invalid_request", "There is no such endpoint.", 404)
    assert unavailable(5) == OAuthError("temporarily_unavailable", "Try again later.", 503, (("Retry-After", "5"),))


def test_g5_an_answer_is_kept_by_nobody_unless_it_says_for_how_long() -> None:
    assert json_response({"a": "\u00e9", "b": [1]}) == Response(200, head_of(22), b'{"a":"\\u00e9","b":[1]}')
    for name in ("Cache-Control", "cache-control", "CACHE-CONTROL"):
        kept = ((name, "public, max-age=300"),)
        assert json_response({}, status=201, headers=kept) == Response(201, (*head_of(2)[:2], *kept), b"{}")
    more = (("X-Cache-Control", "public"),)
    assert json_response({}, headers=more) == Response(200, (*head_of(2), *more), b"{}")
    assert empty_response() == Response(200, head_of(0, "text/plain"), b"")
    for status in (204, 304):
        assert empty_response(status=status, headers=more) == Response(status, (*head_of(0)[2:], *more), b"")


def test_g6_what_is_told_of_an_error_is_what_may_be_told() -> None:
    response = OAuthError("invalid_request", 'say "hi"\\\n\x7f é').response()
    assert b'"say ?hi???? ?"' in response.body
    assert all(
        set(answer.error) <= set("abcdefghijklmnopqrstuvwxyz_") for answer in (asked("wsgi", each) for each in CASES)
    )


@pytest.mark.parametrize("mount", MOUNTS)
def test_g9_nothing_of_an_answer_comes_from_the_host_that_was_asked(mount: str) -> None:
    forged = [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")]
    bench = Bench(mount)
    for path in ("/.well-known/oauth-authorization-server", "/jwks.json"):
        assert bench.ask("GET", path, forged) == bench.ask("GET", path)


class Down:
    """A store that is down."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object) -> Any:
            raise OSError("secret connection string")

        return fail


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("role", ["users", "families", "tokens", "clients"])
def test_err_3_a_store_that_is_down_is_a_503_that_says_when_to_come_back(mount: str, role: str) -> None:
    bench = Bench(mount)
    setattr(bench.service.passwords if role == "users" else bench.service, role, Down())
    answer = bench.log_in()
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")
    assert answer.header("retry-after") == "5"
    assert b"secret" not in answer.body


def test_err_3_too_many_logins_at_once_are_told_to_come_back() -> None:
    from authmw.flow.pool import WorkPool

    pool = WorkPool(slots=1, queue=0)
    bench = Bench(pool=pool)
    answers: list[Answer] = []
    pool.run(lambda: answers.append(bench.log_in()))  # while the only slot is taken
    assert (answers[0].status, answers[0].header("retry-after")) == (503, "1")


# What only ASGI has


def test_asgi_a_websocket_is_closed() -> None:
    scope = {**scope_of("GET", "/token"), "type": "websocket"}
    sent = asyncio.run(exchange(Bench().service, scope, [{"type": "websocket.connect"}]))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_asgi_the_lifespan_is_acknowledged() -> None:
    messages: list[Any] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = asyncio.run(exchange(Bench().service, {"type": "lifespan"}, messages))
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_asgi_a_scope_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'telepathy'"):
        asyncio.run(exchange(Bench().service, {"type": "telepathy"}, []))


def test_asgi_half_a_body_is_not_taken_for_all_of_it() -> None:
    bench = Bench()
    headers = [("content-type", FORM)]
    messages: list[Any] = [{"type": "http.request", "body": LOGIN, "more_body": True}]
    sent = asyncio.run(exchange(bench.service, scope_of("POST", "/token", headers), messages))
    assert sent[0]["status"] == 400
    assert bench.stores.families.families_of("user-1", bench.clock.now) == ()


def test_asgi_is_served_by_trio_too() -> None:
    import trio

    bench = Bench()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": LOGIN}

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        scope = scope_of("POST", "/token", [("content-type", FORM)])
        await Mount(bench.service)(scope, receive, send)

    trio.run(main)
    assert sent[0]["status"] == 200


# What only WSGI has


def test_wsgi_half_a_body_is_not_taken_for_all_of_it() -> None:
    bench = Bench()
    answer = bench.ask("POST", "/token", [("content-type", FORM), ("content-length", str(len(LOGIN) + 1))], LOGIN)
    assert (answer.status, answer.error) == (400, "invalid_request")
