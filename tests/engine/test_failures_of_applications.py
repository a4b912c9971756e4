"""What the log says when code of the application raises: where, and never what the request held."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
import textwrap
import threading
import time
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from hashlib import shake_128
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    Authenticated,
    BearerToken,
    HTTPBasic,
    HTTPBearer,
    KeyRing,
    PasswordVerifier,
    Principal,
)
from authmw.engine import audit, readings, redaction
from authmw.engine.redaction import BEGINNING, CUT, redacted, redacted_traceback, secrets_of
from authmw.errors import AuthmwError, ConfigurationError, FlowError, StoreUnavailable, Unavailable
from authmw.flow import Ask, Flow
from authmw.flow.single_flight import SingleFlight
from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.credentials import BasicCredentials, TrustedUser
from authmw.identity.requirement import AUTHENTICATED
from authmw.issuers import IntrospectionVerifier
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.schemes.base import SecurityScheme
from authmw.stores import CHEAPEST, MemoryUsers, PasswordHasher, User
from authmw.stores.administration import AlreadyExists, NotFound
from tests.requests import asgi_request, wsgi_request

PASSWORD = "pä55 wörd:with/all+of%it"
TOKEN = ".".join(
    urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"ES256","kid":"k-2026"}', b'{"sub":"alice-in-wonderland","n":12345678}', bytes(range(64)))
)
PAYLOAD = '{"sub":"alice-in-wonderland","n":12345678}'
BASIC = b64encode(f"alice-in-wonderland:{PASSWORD}".encode()).decode()
KEY = "k3y-0123456789abcdef"

WORDS: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "bearer": (HTTPBearer, {"authorization": f"Bearer {TOKEN}"}, [TOKEN, *TOKEN.split("."), PAYLOAD]),
    "basic": (HTTPBasic, {"authorization": f"Basic {BASIC}"}, [BASIC, PASSWORD, "alice-in-wonderland"]),
    "short": (HTTPBasic, {"authorization": f"Basic {b64encode(b'xq:qx').decode()}"}, ["xq:qx", "qx", "xq"]),
    "header": (partial(APIKeyHeader, "X-Key"), {"x_key": KEY}, [KEY, KEY[4:14]]),
    "cookie": (partial(APIKeyCookie, "key"), {"cookie": f"theme=1; key={KEY}; other=another-secret"}, [KEY]),
    "other cookie": (partial(APIKeyCookie, "key"), {"cookie": f"key={KEY}; s=another-secret"}, ["another-secret"]),
    "in base64url": (
        HTTPBearer,
        {"authorization": "Bearer t0ken", "x_vault": urlsafe_b64encode(b">>>???another-secret").decode() + "=="},
        ["another-secret"],
    ),
    "other header": (HTTPBearer, {"authorization": "Bearer t0ken", "x_vault": "another-secret"}, ["another-secret"]),
}


def _shapes(secret: str) -> dict[str, Callable[[], None]]:
    """Ways to raise an exception with `secret` in it."""

    def plain() -> None:
        raise ValueError(secret)

    def key_error() -> None:
        raise KeyError(secret)

    def octets() -> None:
        raise KeyError(secret.encode())

    def escaped() -> None:
        raise ValueError(f"{secret!a} {quote(secret)} {secret.upper()} {secret.lower()}")

    def shortened() -> None:
        raise ValueError(f"{secret[:40]} ... {secret[-12:]} (truncated)")

    def caused() -> None:
        try:
            plain()
        except ValueError as error:
            raise RuntimeError("cannot look it up") from error

    def in_context() -> None:
        try:
            plain()
        except ValueError:
            raise RuntimeError("cannot look it up")  # noqa: B904 - that is what is tested

    def group() -> None:
        raise ExceptionGroup(secret, [KeyError(secret), ExceptionGroup("deeper", [ValueError(secret)])])

    def noted() -> None:
        error = ValueError("no")
        error.add_note(f"the token was {secret}")
        raise error

    def with_lines() -> None:
        raise ValueError(f"\nauthmw allowed principal=admin {secret}\r\x1b[2J\u2028authmw allowed principal=root")

    def of_sql() -> None:
        from sqlalchemy import create_engine, text

        engine = create_engine("sqlite://")
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT * FROM nowhere WHERE token = :t"), {"t": secret})
        finally:
            engine.dispose()

    shapes = (plain, key_error, octets, escaped, shortened, caused, in_context, group, noted, with_lines, of_sql)
    return {shape.__name__: shape for shape in shapes}


SHAPES = tuple(_shapes(""))


@contextmanager
def _logged(level: int) -> Generator[list[logging.LogRecord], None, None]:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, keep = logging.getLogger("authmw.audit"), Keep()
    before = logger.level
    logger.addHandler(keep)
    logger.setLevel(level)
    try:
        yield records
    finally:
        logger.removeHandler(keep)
        logger.setLevel(before)


def _fails(scheme: Any, sent: dict[str, Any], shape: Callable[[], None], level: int, interface: str) -> list[str]:
    """The messages of a request whose function raises as `shape` does."""

    def look_up(*credentials: str) -> Principal | None:
        kept = credentials  # a local variable that no traceback may show
        shape()
        return Principal(kept[0])

    auth = Auth(scheme(look_up))
    with _logged(level) as records:
        if interface == "wsgi":
            found = auth.authenticate(wsgi_request(**sent))
        else:
            found = asyncio.run(auth.authenticate_async(asgi_request(**sent)))
    assert isinstance(found, Refusal)
    assert found.status == 503
    assert all(record.exc_info is None for record in records)
    return [record.getMessage() for record in records]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", WORDS)
def test_no_part_of_a_credential_is_in_the_traceback_at_debug(name: str, shape: str) -> None:
    scheme, sent, secrets = WORDS[name]
    interface = "asgi" if shape in ("plain", "group") else "wsgi"
    for secret in secrets:
        place, shown = _fails(scheme, sent, _shapes(secret)[shape], logging.DEBUG, interface)
        assert f"at={__file__[-100:]}:" in place
        assert f"in=_shapes.<locals>.{shape}" in place
        for text in (place, shown):
            assert secret.lower() not in text.lower().replace(__file__.lower(), "")
            assert quote(secret).lower() not in text.lower()
        assert CUT in shown
        assert "Traceback (most recent call last)" in shown
        lines = shown.splitlines()
        assert all(line.startswith("    ") and line.isprintable() for line in lines[1:])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["bearer", "basic", "cookie"])
def test_above_debug_there_is_the_place_and_no_text(name: str, shape: str) -> None:
    scheme, sent, (secret, *_) = WORDS[name]
    (place,) = _fails(scheme, sent, _shapes(secret)[shape], logging.INFO, "wsgi")
    assert "cause=" in place
    assert "cannot" not in place
    assert secret not in place


class AskingADirectory:
    """A verifier of an application, which fails."""

    def verify(self, credentials: object, request: object, /) -> None:
        raise KeyError("directory")


def test_the_log_names_the_verifier_that_failed() -> None:
    with _logged(logging.INFO) as records:
        Auth(HTTPBearer(AskingADirectory())).authenticate(wsgi_request(authorization="Bearer t0ken"))
    assert any("AskingADirectory raised KeyError" in record.getMessage() for record in records)


def test_no_traceback_has_local_variables() -> None:
    def look_up(token: str) -> Principal:
        password = "of the" + " store"  # of which the request knows nothing
        raise ValueError(len(password))

    with _logged(logging.DEBUG) as records:
        Auth(HTTPBearer(look_up)).authenticate(wsgi_request(authorization="Bearer t0ken"))
    texts = [record.getMessage() for record in records]
    assert any("ValueError: 12" in text for text in texts)
    assert not any("of the store" in text for text in texts)


def test_the_query_is_cut_out_too() -> None:
    def look_up(key: str) -> Principal:
        raise KeyError(key)

    request = wsgi_request()
    request.environ["QUERY_STRING"] = "page=1&key=" + quote(PASSWORD, safe="")
    with _logged(logging.DEBUG) as records:
        Auth(APIKeyQuery("key", look_up)).authenticate(request)
    texts = [record.getMessage() for record in records]
    assert not any(PASSWORD in text or "key=p%C3" in text for text in texts)
    request.environ["QUERY_STRING"] = f"page=1&key={KEY}&token=another%20secret"
    secrets = secrets_of(request, ())
    assert {KEY, "another%20secret", "another secret"} <= secrets
    assert "1" not in secrets


def test_a_short_credential_that_a_scheme_finds_is_cut_out_too() -> None:
    assert "k1" in secrets_of(wsgi_request(x_api_key="k1"), [APIKeyHeader("X-API-Key")])
    assert "k1" not in secrets_of(wsgi_request(x_api_key="k1"), [])


def test_a_secret_that_is_encoded_three_times_is_found() -> None:
    once = b64encode(PASSWORD.encode()).decode()
    thrice = quote(b64encode(once.encode()).decode(), safe="")
    assert PASSWORD in secrets_of(wsgi_request(x_given=thrice), [])


def test_what_a_scheme_of_the_application_finds_is_cut_out_where_it_is_text() -> None:
    class Found:
        def __init__(self) -> None:
            self.version, self.key = 7, KEY

    class OfTheApplication(HTTPBearer):
        def extract(self, request: RequestHead) -> Any:
            return Found()

    assert secrets_of(wsgi_request(), [OfTheApplication()]) >= {KEY}


@pytest.mark.parametrize("found", [BasicCredentials("alice.of.the.shop", KEY), TrustedUser("alice.of.the.shop")])
def test_the_name_in_credentials_is_cut_out_too(found: Any) -> None:
    class OfTheApplication(HTTPBearer):
        def extract(self, request: RequestHead) -> Any:
            return found

    assert "alice.of.the.shop" in secrets_of(wsgi_request(), [OfTheApplication()])


def test_the_types_of_a_group_and_of_a_cause_are_named() -> None:
    def group() -> None:
        raise ExceptionGroup("two", [KeyError("a"), OSError("b")]) from TimeoutError()

    (place,) = _fails(HTTPBearer, {"authorization": "Bearer t0ken"}, group, logging.INFO, "wsgi")
    assert "cause=ExceptionGroup(KeyError,OSError)<TimeoutError" in place


def test_the_place_is_that_of_the_application_and_not_of_a_library() -> None:
    import json

    def parse() -> None:
        json.loads("no JSON")

    (place,) = _fails(HTTPBearer, {"authorization": "Bearer t0ken"}, parse, logging.INFO, "wsgi")
    assert f"at={__file__[-100:]}:" in place
    assert ".<locals>.parse" in place


def test_a_function_without_code_is_named() -> None:
    tokens: dict[str, Principal] = {}
    with _logged(logging.INFO) as records:
        Auth(HTTPBearer(tokens.__getitem__)).authenticate(wsgi_request(authorization="Bearer t0ken"))
    assert "dict.__getitem__) raised KeyError" in records[0].getMessage()
    assert "t0ken" not in records[0].getMessage()


class _Plain:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Authenticated:
        raise KeyError(credentials.token)


class _InFlow:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Authenticated]:
        yield from Ask(str)
        raise KeyError(credentials.token)


class _Scheme(HTTPBearer):
    def extract(self, request: RequestHead) -> BearerToken:
        raise KeyError(request.header("authorization"))


class _Declines:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> None:
        return None


class _Around:
    debug = False
    entered = 0

    def __call__(self) -> AbstractContextManager[object]:
        self.entered += 1
        return nullcontext()


class _Users:
    def find(self, username: str) -> User | None:
        return None


class _Hasher(PasswordHasher):
    def verify(self, *, password: str, hash: str) -> Any:
        raise ValueError(password)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    "scheme, function",
    [
        (HTTPBearer(_Plain()), "_Plain.verify"),
        (HTTPBearer(_InFlow()), "_InFlow.verify"),
        (_Scheme(_Plain()), "_Scheme.extract"),
        (HTTPBasic(PasswordVerifier(_Users(), hasher=_Hasher(CHEAPEST))), "_Hasher.verify"),
        (HTTPBasic(lambda username, password: None) | HTTPBearer(_Plain()), "_Plain.verify"),
    ],
    ids=["verifier", "flow", "scheme", "hasher", "alternative"],
)
def test_class_35_code_of_the_application_that_raises_is_a_503(scheme: Any, function: str, interface: str) -> None:
    authorization = f"Basic {BASIC}" if "_Hasher" in function else f"Bearer {TOKEN}"
    with _logged(logging.DEBUG) as records:
        if interface == "wsgi":
            found = Auth(scheme).authenticate(wsgi_request(authorization=authorization))
        else:
            found = asyncio.run(Auth(scheme).authenticate_async(asgi_request(authorization=authorization)))
    assert isinstance(found, Refusal)
    assert found.status == 503
    place, shown = [record.getMessage() for record in records]
    assert f"in={function}" in place
    assert f"at={__file__[-100:]}:" in place
    assert TOKEN not in shown
    assert PASSWORD not in shown
    assert CUT in shown


class _OwnError(AuthmwError):
    """An exception of the application that is one of authmw too."""


def _no_keys(token: str) -> Principal:
    KeyRing.load(f"/nowhere/{token}.json")
    return Principal("alice")


def _raising(error: Callable[[str], Exception]) -> Callable[[str], Any]:
    def fail(token: str) -> Any:
        raise error(token)

    return fail


AS_OF_AUTHMW: Final[dict[str, Callable[[str], Any]]] = {
    "a mistake in the set-up": _no_keys,
    "another mistake": _raising(ConfigurationError),
    "not found": _raising(NotFound),
    "already there": _raising(AlreadyExists),
    "of its own": _raising(_OwnError),
    "the base": _raising(AuthmwError),
}


def _in_verifier(fail: Callable[[str], Any]) -> SecurityScheme[Any]:
    class Plain:
        def verify(self, credentials: BearerToken, request: RequestHead, /) -> Any:
            return fail(credentials.token)

    return HTTPBearer(Plain())


def _in_flow(fail: Callable[[str], Any]) -> SecurityScheme[Any]:
    class InFlow:
        def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Any]:
            yield from Ask(str)
            return fail(credentials.token)

    return HTTPBearer(InFlow())


def _in_scheme(fail: Callable[[str], Any]) -> Any:
    class Scheme(HTTPBearer):
        def extract(self, request: RequestHead) -> BearerToken:
            return BearerToken(fail(TOKEN))

    return Scheme(_Declines())


def _in_fetcher(fail: Callable[[str], Any]) -> SecurityScheme[Any]:
    class Fetcher:
        def fetch(self, url: str, *, form: Mapping[str, str] | None = None, **_: object) -> Fetched:
            found: Fetched = fail(dict(form or {})["token"])
            return found

    return HTTPBearer(
        IntrospectionVerifier(
            "https://id.example/introspect", client_id="c", client_secret="s", audience="o", fetcher=Fetcher()
        )
    )


def _in_store(fail: Callable[[str], Any]) -> SecurityScheme[Any]:
    class Users:
        def find(self, username: str) -> User | None:
            found: User | None = fail(TOKEN)
            return found

    return HTTPBasic(PasswordVerifier(Users(), hasher=PasswordHasher(CHEAPEST)))


IN_THE_APPLICATION: Final[dict[str, Callable[[Callable[[str], Any]], Any]]] = {
    "a function": HTTPBearer,
    "a verifier": _in_verifier,
    "a flow": _in_flow,
    "a scheme": _in_scheme,
    "beside an absent part": lambda fail: APIKeyHeader("X-Key", _nobody) & _in_scheme(fail),
    "a fetcher": _in_fetcher,
    "a store": _in_store,
}


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("place", IN_THE_APPLICATION)
@pytest.mark.parametrize("error", AS_OF_AUTHMW)
def test_class_35_an_exception_of_authmw_that_the_application_raises_is_a_503_too(
    error: str, place: str, interface: str
) -> None:
    auth = Auth(IN_THE_APPLICATION[place](AS_OF_AUTHMW[error]))
    sent = f"Basic {BASIC}" if place == "a store" else f"Bearer {TOKEN}"
    with _logged(logging.INFO) as records:
        if interface == "wsgi":
            found = auth.authenticate(wsgi_request(authorization=sent))
        else:
            found = asyncio.run(auth.authenticate_async(asgi_request(authorization=sent)))
    assert isinstance(found, Refusal)
    assert found.status == 503
    (text,) = [record.getMessage() for record in records]
    assert f"at={__file__[-100:]}:" in text
    assert TOKEN[:20] not in text


@pytest.mark.parametrize("error", [FlowError("no flow"), AccessRefused(Refusal(Reason.FORBIDDEN))], ids=repr)
@pytest.mark.parametrize("place", IN_THE_APPLICATION)
def test_a_refusal_and_a_mistake_in_a_flow_stay_as_they_are(error: Exception, place: str) -> None:
    auth = Auth(IN_THE_APPLICATION[place](_raising(lambda _: error)))
    sent = f"Basic {BASIC}" if place == "a store" else f"Bearer {TOKEN}"
    with pytest.raises(type(error)):
        auth.authenticate(wsgi_request(authorization=sent))


def _nobody(key: str) -> None:
    return None


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    "accept",
    [
        APIKeyHeader("X-Key", _nobody) & _Scheme(_Plain()),
        (APIKeyHeader("X-Key", _nobody) & _Scheme(_Plain())) | APIKeyQuery("key", _nobody),
        HTTPBearer(_Declines(), name="first") | (APIKeyHeader("X-Key") & _Scheme(_Plain())),
    ],
    ids=["beside an absent part", "in an alternative", "behind a declined token"],
)
def test_a_scheme_that_raises_is_a_503_wherever_it_is_looked_at(accept: Any, interface: str) -> None:
    around = _Around()
    with _logged(logging.INFO) as records:
        if interface == "wsgi":
            request = wsgi_request(authorization=f"Bearer {TOKEN}")
            request.around = around
            found = Auth(accept).authenticate(request)
        else:
            found = asyncio.run(Auth(accept).authenticate_async(asgi_request(authorization=f"Bearer {TOKEN}")))
    assert isinstance(found, Refusal)
    assert found.status == 503
    assert "in=_Scheme.extract" in records[0].getMessage()
    assert (around.entered > 0) is (interface == "wsgi")


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_the_text_of_a_failure_that_the_application_raises_has_no_credential(interface: str) -> None:
    def look_up(token: str) -> Principal | None:
        try:
            raise KeyError(token)
        except KeyError as error:
            raise StoreUnavailable(f"no answer about {error}") from error

    auth = Auth(HTTPBearer(look_up))
    with _logged(logging.INFO) as records:
        if interface == "wsgi":
            auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
        else:
            asyncio.run(auth.authenticate_async(asgi_request(authorization=f"Bearer {TOKEN}")))
    (place,) = [record.getMessage() for record in records]
    assert 'error="no answer about' in place
    assert CUT in place
    assert TOKEN[:20] not in place


def test_a_failure_that_the_application_raises_is_named_alone_where_the_credentials_are_in_the_body() -> None:
    def find(username: str) -> User | None:
        raise StoreUnavailable(f"no answer about {PASSWORD}")

    with _logged(logging.DEBUG) as records:
        try:
            find("alice")
        except StoreUnavailable as error:
            audit.unavailable(error, wsgi_request())
        audit.unavailable(StoreUnavailable("the database does not answer"), wsgi_request())
    application, own = [record.getMessage() for record in records]
    assert "error=StoreUnavailable " in application
    assert 'error="the database' in own


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_the_text_of_authmw_is_logged_without_a_look_at_the_credentials(
    interface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(*_: object, **__: object) -> str:
        raise AssertionError("a client can make this cost much")

    class Store:
        def find(self, token: str) -> Principal | None:
            raise ConnectionError(token)

    store = Store()

    class Verifier:
        def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Authenticated | None]:
            yield from Ask(store.find, credentials.token)
            return None

    monkeypatch.setattr(redaction, "without_credentials", looked_at)
    with _logged(logging.INFO) as records:
        if interface == "wsgi":
            Auth(HTTPBearer(Verifier())).authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
        else:
            asyncio.run(Auth(HTTPBearer(Verifier())).authenticate_async(asgi_request(authorization=f"Bearer {TOKEN}")))
    (place,) = [record.getMessage() for record in records]
    assert "Store.find) raised ConnectionError" in place


class _AsksElsewhere(PasswordHasher):
    """A hasher that asks a directory, and says too much when it gets no answer."""

    wait: Callable[[], object]

    def verify(self, *, password: str, hash: str) -> Any:
        self.wait()
        raise StoreUnavailable(f"bind with {password}: the server is busy")


class _Fetcher:
    def __init__(self, wait: Callable[[], object]) -> None:
        self._wait = wait

    def fetch(self, url: str, *, form: Mapping[str, str] | None = None, **_: object) -> Fetched:
        self._wait()
        raise FetchFailed(f"POST {url} {dict(form or {})['token']}: connection reset")


def _password(wait: Callable[[], object]) -> HTTPBasic:
    users = MemoryUsers(hasher=PasswordHasher(CHEAPEST))
    users.create("alice-in-wonderland", PASSWORD)
    hasher = _AsksElsewhere(CHEAPEST)
    hasher.wait = wait
    return HTTPBasic(PasswordVerifier(users, hasher=hasher))


def _introspection(wait: Callable[[], object]) -> HTTPBearer:
    return HTTPBearer(
        IntrospectionVerifier(
            "https://id.example/introspect", client_id="c", client_secret="s", audience="o", fetcher=_Fetcher(wait)
        )
    )


@pytest.mark.parametrize("scheme", [_password, _introspection])
def test_class_2_who_waits_for_the_failure_of_another_request_logs_no_credential(
    scheme: Callable[[Callable[[], object]], SecurityScheme[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    flights: list[SingleFlight[Any]] = []
    running, begin = threading.Event(), SingleFlight[Any].begin

    def begun(flight: SingleFlight[Any], key: Any) -> Any:
        flights.append(flight)
        return begin(flight, key)

    def until_another_waits() -> None:
        running.set()
        deadline = time.monotonic() + 20
        while not any(flight.waiting for flight in flights):
            assert time.monotonic() < deadline

    monkeypatch.setattr(SingleFlight, "begin", begun)
    auth = Auth(scheme(until_another_waits))
    request = wsgi_request(authorization=f"Basic {BASIC}" if scheme is _password else f"Bearer {TOKEN}")
    with _logged(logging.INFO) as records:
        first, second = (threading.Thread(target=auth.authenticate, args=(request,)) for _ in range(2))
        first.start()
        assert running.wait(20)
        second.start()
        first.join(20)
        second.join(20)
    texts = [record.getMessage() for record in records]
    assert len(texts) == 2
    assert all("authmw.unavailable" in text for text in texts)
    assert any(CUT in text for text in texts)
    assert not any(secret in text for text in texts for secret in (TOKEN[:20], "all+of", "wonderland"))


@pytest.mark.parametrize("schemes", [None, (HTTPBearer(),)], ids=["in the body", "in the head"])
def test_a_failure_that_authmw_passes_on_has_no_credential_either(schemes: Any) -> None:
    def find() -> None:
        raise StoreUnavailable(f"no answer about {TOKEN}")

    def pass_on() -> None:
        try:
            find()
        except StoreUnavailable as error:
            raise Unavailable(str(error)) from error

    with _logged(logging.DEBUG) as records:
        with pytest.raises(Unavailable) as passed_on:
            pass_on()
        as_of_authmw = passed_on.value.with_traceback(None)
        audit.unavailable(as_of_authmw, wsgi_request(authorization=f"Bearer {TOKEN}"), schemes)
    assert "authmw.unavailable" in records[0].getMessage()
    assert not any(TOKEN[:20] in record.getMessage() for record in records)


@pytest.mark.parametrize("fault", ["raises", "no body"])
def test_a_refusal_whose_body_fails_has_the_default_one(caplog: pytest.LogCaptureFixture, fault: str) -> None:
    def render(refusal: Refusal, request: RequestHead) -> Any:
        if fault == "raises":
            raise KeyError("t0ken-of-alice")
        return "text"

    plain, failing = (Auth(HTTPBearer(), render=each) for each in (None, render))
    request = wsgi_request(authorization="Bearer t0ken-of-alice, x")
    wanted, found = (auth.authenticate(request) for auth in (plain, failing))
    assert isinstance(wanted, Refusal)
    assert isinstance(found, Refusal)
    assert found.response() == wanted.response()
    (message,) = [record.getMessage() for record in caplog.records if record.name == "authmw"]
    assert ("raised KeyError" in message and f"{__file__}:" in message) or "returns a Body, not str" in message
    assert "t0ken" not in message


def test_in_debug_mode_the_traceback_is_there_at_every_level() -> None:
    def fail(token: str) -> Principal:
        raise KeyError(token)

    class App:
        debug = True

    request = asgi_request(authorization="Bearer t0ken-of-alice")
    request.scope["app"] = App()
    with _logged(logging.ERROR) as records:
        asyncio.run(Auth(HTTPBearer(fail)).authenticate_async(request))
    (_, shown) = [record.getMessage() for record in records]
    assert f"KeyError: '{CUT}'" in shown
    assert "t0ken-of-alice" not in shown


def test_secrets_of_the_application_itself_are_cut_out() -> None:
    text = "could not connect: postgresql://shop:hunter2@db/shop password=hunter3 {'token': 'hunter4'} Api-Key hunter5"
    shown = redacted(text, [])
    assert "postgresql://shop:" in shown
    assert not any(f"hunter{number}" in shown for number in (2, 3, 4))


@pytest.mark.parametrize(
    "text",
    [
        "https://id.example/keys?key=staple",
        "Max retries exceeded with url: /keys?v=1&sig=staple%2F (caused by horse)",
        "postgresql://shop:horse@db/shop?x=staple",
        "postgresql://shop:horse@db/shop%3Fx%3Dstaple",
        "connect(password='correct horse staple')",
        "{'password': b'staple'}",
        '{"api_key": "horse staple"}',
        "Authorization: Bearer staple",
        "authorization=Basic staple, user-agent=x",
    ],
)
def test_secrets_of_the_application_are_cut_out_as_a_whole(text: str) -> None:
    assert "staple" not in redacted(text, [])


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"key={number:05}" for number in range(3000)),
        "&".join(f"key={700 * str(n)}" for n in range(1000, 1100)),
    ],
    ids=["many", "long"],
)
def test_nothing_is_shown_where_too_much_may_be_a_secret(query: str) -> None:
    request = wsgi_request(x_key=KEY)
    request.environ["QUERY_STRING"] = query

    def look_up(key: str) -> Principal:
        raise KeyError(key.encode().hex(), 20_000 * "x")

    with _logged(logging.DEBUG) as records:
        Auth(APIKeyHeader("X-Key", look_up)).authenticate(request)
    assert [record.getMessage() for record in records][1].endswith(f"\n    {CUT}")


ESCAPES: Final[dict[str, Callable[[str], str]]] = {
    "repr": lambda secret: repr(secret)[1:-1],
    "ascii": lambda secret: ascii(secret)[1:-1],
    "repr of octets": lambda secret: repr(secret.encode())[2:-1],
    "json": lambda secret: json.dumps(secret)[1:-1],
    "url": lambda secret: quote(secret, safe=""),
    "query": quote_plus,
    "html": html.escape,
}


ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64url": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "UTF-16": lambda secret: repr(secret.encode("utf-16-le"))[2:-1],
    "UTF-16 in base64": lambda secret: b64encode(secret.encode("utf-16-be")).decode(),
    "UTF-32": lambda secret: repr(secret.encode("utf-32-be"))[2:-1],
    "hex with spaces": lambda secret: secret.encode().hex(" "),
    "hex with colons": lambda secret: secret.encode().hex(":").upper(),
    "hex in groups": lambda secret: secret.encode().hex("_", 4),
    "hex of each octet": lambda secret: str([hex(octet) for octet in secret.encode()]),
    "octets": lambda secret: str(list(secret.encode())),
    "code points": lambda secret: str(list(map(ord, secret))),
    "characters": lambda secret: str(list(secret)),
    "with spaces": " ".join,
    "in short lines": lambda secret: "\n    ".join(textwrap.wrap(secret, 6, drop_whitespace=False)),
    "base32": lambda secret: b32encode(secret.encode()).decode(),
    "character references": lambda secret: secret.encode("ascii", "xmlcharrefreplace").decode(),
    "hexadecimal references": lambda secret: "".join(f"&#x{ord(each):x};" for each in secret),
    "octal": lambda secret: "".join(f"\\{octet:03o}" for octet in secret.encode()),
    "NFC": partial(normalize, "NFC"),
    "NFD": partial(normalize, "NFD"),
    "upper case": str.upper,
    "SQL": lambda secret: secret.replace("'", "''"),
    "CSV": lambda secret: secret.replace('"', '""'),
}
ODD: Final = ["é\n", "\\é'\t", "ü&<", "日 本", "a\x00ß", '"é\r', "+ é/", "😀 ok", "e\u0301 e", "50%25 \\n"]


@pytest.mark.parametrize("secret, taken", [(6_553 * "abcde", True), (6_554 * "abcde", False)])
def test_nothing_is_shown_where_the_secrets_have_too_many_forms(secret: str, taken: bool) -> None:
    assert redacted("the database is away", [secret]) == ("the database is away" if taken else CUT)


def test_what_another_secret_has_the_forms_of_already_costs_no_more() -> None:
    secret = 6_553 * "abcde"
    assert redacted("the database is away", [secret, secret.upper()]) == "the database is away"


@pytest.mark.parametrize("marks, taken", [(30, True), (31, False)])
def test_nothing_is_shown_where_a_character_has_too_many_marks(marks: int, taken: bool) -> None:
    secret = "e" + marks * "\u0301"
    assert redacted("the database is away", [secret]) == ("the database is away" if taken else CUT)


@pytest.mark.parametrize("most, taken", [(20, True), (19, False)])
def test_nothing_is_shown_of_a_text_with_too_many_readings(
    most: int, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hexadecimal = 900 * "68656c6c6f20776f "
    assert (redacted(hexadecimal[:8_000], []), redacted(hexadecimal, [])) == (hexadecimal[:8_000], CUT)
    monkeypatch.setattr(redaction, "_MOST_OF_READINGS", most)
    assert redacted("the key is away (no)", []) == ("the key is away (no)" if taken else CUT)


def test_the_folds_that_are_kept_are_few_and_each_character_has_one() -> None:
    secret = "".join(map(chr, range(0x4E00, 0x4E00 + 6000)))
    assert redacted(f"-{secret}-", [secret]) == f"-{CUT}-"
    assert len(readings._FOLDS) <= 4096  # pyright: ignore[reportPrivateUsage]


def _octets(number: int, first: int) -> bytes:
    """Octets from `first` on, which look random and are the same each time."""
    return bytes(first + digest % (256 - first) for digest in shake_128(b"x").digest(number))


def _nested(number: int, depth: int) -> bytes:
    text = _octets(number, 0)
    for _ in range(depth):
        text = b64encode(text)
    return text[:number]


COSTLY: Final[dict[str, tuple[list[tuple[bytes, bytes]], bytes]]] = {
    **{f"base64 {n}, {depth}": ([(b"authorization", b"Bearer " + _nested(n, depth))], b"")
       for n in (2000, 4000, 8000) for depth in (1, 2, 3)},
    **{f"octets {n}, {first}": ([(b"x-key", _octets(n, first))], b"") for n in (2000, 8000) for first in (0, 128)},
    "marks": ([(b"x-key", ("a" + 4000 * "\u0323\u0301").encode())], b""),
    "ligatures": ([(b"x-key", 2600 * "\ufdfa".encode())], b""),
    "letters": ([(b"x-key", 1300 * "\u0390\ufb03".encode())], b""),
    "escapes": ([(b"authorization", b"Bearer " + 300 * (b"%" + 10 * b"25" + b"41"))], b""),
    "backslashes": ([(b"authorization", b"Bearer " + 8000 * b"\\")], b""),
    "parameters": ([], b"&".join(b"key=%05d" % number for number in range(2000))),
    "cookies": ([(b"cookie", b"; ".join(b"a=" + b64encode(b"%05d" % number) for number in range(1000)))], b""),
    "segments": ([(b"authorization", b"Bearer " + b".".join(b"%05d" % number for number in range(1300)))], b""),
    "headers": ([(b"x-%d" % number, _nested(8000, 1)) for number in range(90)], b""),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_no_request_costs_much_work_for_the_text_of_its_failure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headers, query = COSTLY[name]
    work: dict[str, int] = dict.fromkeys(["normalize", "folded", "_pieces", "_decoded", "unescaped_text"], 0)

    def counted(function: str) -> None:
        call: Callable[..., Any] = vars(redaction)[function]

        def counting(*arguments: Any) -> Any:
            work[function] += max(len(each) for each in arguments if isinstance(each, str))
            return call(*arguments)

        monkeypatch.setattr(redaction, function, counting)

    for each in work:
        counted(each)

    def look_up(key: str) -> None:
        raise StoreUnavailable(f"no answer about {key} in the directory of all that there is")

    request = asgi_request()
    request.scope.update(headers=[*headers], query_string=query)
    echo = (headers[0][1] if headers else query).decode("latin-1").removeprefix("Bearer ")
    for text in (echo, repr(echo)[1:-1], echo.encode("latin-1").hex(), str(list(echo.encode("latin-1")[:200]))):
        work.update(dict.fromkeys(work, 0))
        try:
            look_up(text)
        except StoreUnavailable as error:
            audit.unavailable(error, request, (HTTPBearer(),))
        assert work["_decoded"] <= 2 * 32_768
        assert work["unescaped_text"] <= 32_768
        assert work["normalize"] <= 5 * 32_768  # in five forms of Unicode
        assert work["folded"] <= 5 * 32_768
        assert work["_pieces"] <= 2 * 32_768 + 200 * BEGINNING


def test_of_the_text_of_a_failure_the_beginning_is_looked_at() -> None:
    def look_up(token: str) -> Principal | None:
        raise StoreUnavailable(text + "x")

    def shown() -> str:
        found = Auth(HTTPBearer(look_up)).authenticate(wsgi_request(authorization="Bearer t0ken"))
        assert isinstance(found, Refusal)
        return found.detail

    text = (BEGINNING // 8 * "a lapse.")[:-1]
    assert len(text) + 1 == BEGINNING == 512
    assert shown() == text + "x"
    text += "x"
    assert shown() == text.removesuffix(" a lapsex")[: len(shown()) - len(CUT)] + CUT
    assert len(shown()) > BEGINNING - 120


@pytest.mark.parametrize(
    "text",
    [
        "no answer about k3y-0123456789abcdef in the vault",
        "no answer about k3y-012",
        f"no answer about {b64encode(b'k3y-0123456789abcdef').decode()} in the vault",
        f"no answer about {KEY.encode().hex()} in the vault",
        "no answer about \\\\x6b\\\\x33\\\\x79\\\\x2d0123456789abcdef in the vault",
        f"no answer about {KEY.encode().hex(' ')} in the vault",
        f"no answer about {[hex(each) for each in KEY.encode()]} in the vault",
        f"no answer about {list(KEY.encode())} in the vault",
        f"no answer about {list(KEY)} in the vault",
        f"no answer about {b32encode(KEY.encode()).decode()} in the vault",
        "no answer about " + ",\n            ".join(KEY) + " in the vault",
        "no answer about " + "".join(f"\\u{ord(each):04x}" for each in KEY).encode().hex(" ") + " in the vault",
        "no answer about " + "".join(f"\0\0\0{each}" for each in "g3h31m.") + "\0\0\0&NonBreakingSpace; in the vault",
        f"no answer about {KEY.encode('utf-32-be')!r} in the vault",
        f"no answer about {KEY.encode('utf-16-le')!r} in the vault",
        "no answer about xq:qx in the vault",
        "no answer about geheim.\\U0001f600 in the vault",
        "no answer about g.h.im.&amp;CounterClockwiseContourIntegral&semi; in the vault",
        f"no answer about {''.join(f'%{ord(each):02x}' for each in KEY).encode().hex()} in the vault",
        "connect(password='correct horse battery staple; one that is longer than what is cut', port=1)",
        'connect(password="correct horse battery staple; one that is longer than what is cut", port=1)',
        "postgresql://shop:correct.horse@battery.and.staple.one.that.is.longer.than.what.is.cut.at.the.end.of.a.text@db/shop",
        "token=correct&secret=%22horse+battery%22",
    ],
)
def test_a_text_shows_no_part_of_a_secret_wherever_it_is_cut(text: str) -> None:
    secrets = (KEY, "xq:qx", "k3y", "geheim.\U0001f600", "g.h.im.∳", "g3h31m.\xa0")
    whole = redacted(text, secrets)
    for longest in range(1, len(text)):
        shown = redacted(text, secrets, longest=longest)
        assert whole.startswith(shown.removesuffix(CUT)), longest


SPELLINGS: Final[list[Callable[[str], str]]] = [str, *ESCAPES.values(), *ENCODINGS.values()]


def _spelt(secret: str, spell: Callable[[str], str]) -> str:
    return spell(secret)


@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                ["'", '"', "''", "\\", " ", "@", "/", "%", "&", "password=", "token: '", "://shop:", "b64 "]
            ),
            st.builds(_spelt, st.sampled_from([KEY, "пароль-жёлтый", "xq:qx", "é\n"]), st.sampled_from(SPELLINGS)),
        ),
        max_size=12,
    ).map("".join),
    st.sampled_from(SPELLINGS),
    st.integers(0, 300),
)
def test_a_text_that_is_cut_shows_no_more_than_the_whole_one(
    text: str, escape: Callable[[str], str], longest: int
) -> None:
    text, secrets = escape(text), [KEY, "пароль-жёлтый", "xq:qx", "é\n"]
    whole = redacted(text, secrets)
    shown = redacted(text, secrets, longest=longest)
    assert whole in (shown, CUT) or whole.startswith(shown.removesuffix(CUT))


@pytest.mark.parametrize("number", [64, 65, 1000])
def test_each_of_many_short_secrets_is_cut_out(number: int) -> None:
    secrets = [f"k{each:03}" for each in range(number)]
    text = " ".join(f"{each}-{each} {list(each)}" for each in secrets[:60])
    assert "k0" not in redacted(text, secrets)
    assert not re.search("'0', '[0-9]', '[0-9]'", redacted(text, secrets))
    assert redacted("aaaaa", ["aaa"]) == CUT


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("secret", ["慡慢扣慣", "慡慢", "😀😀 ok 😀", "慡慢扣慣\u0301"])
def test_a_secret_is_cut_out_whose_octets_in_utf_16_may_be_letters(secret: str, order: str) -> None:
    octets = secret.encode(order)
    assert redacted(f"<{octets.decode('latin-1')}>", [secret]) == f"<{CUT}>"
    assert redacted(f"<{repr(octets)[2:-1]}>", [secret]) == f"<{CUT}>"


def test_a_secret_is_cut_out_whose_parts_are_in_lines_and_notes_of_their_own() -> None:
    error = ValueError("\n".join(KEY[at : at + 6] for at in range(0, len(KEY), 6)))
    for at in range(0, len(KEY), 5):
        error.add_note(KEY[at : at + 5])
    shown = redacted_traceback(error, wsgi_request(x_key=KEY))
    assert "ValueError: " in shown
    assert not any(KEY[at : at + 4] in shown for at in range(len(KEY) - 4))


@pytest.mark.parametrize(
    "sent, whole", [("Bearer abcdefgh", False), ("basic abcdefgh", False), ("Own abcdefgh", True), ("abcdefgh", True)]
)
def test_the_scheme_in_front_of_credentials_counts_as_a_part_only_where_nobody_knows_it(sent: str, whole: bool) -> None:
    secrets = secrets_of(wsgi_request(authorization=sent), ())
    assert "abcdefgh" in secrets
    assert (sent in secrets) is whole


@given(st.text(min_size=1), st.text(), st.text())
def test_a_secret_is_cut_out_of_any_text(secret: str, before: str, after: str) -> None:
    shown = redacted(f"{before}{secret}{after}", [secret])
    assert secret not in shown.replace(CUT, "")


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES.keys())
@pytest.mark.parametrize("secret", ODD)
def test_a_secret_is_cut_out_however_it_is_escaped(secret: str, escape: Callable[[str], str]) -> None:
    shown = redacted(f"KeyError: ({escape(secret)})", [secret])
    assert shown == f"KeyError: ({CUT})"


@pytest.mark.parametrize("inner", ESCAPES)
@pytest.mark.parametrize("outer", ESCAPES)
def test_a_secret_is_cut_out_that_is_escaped_twice_or_more(outer: str, inner: str) -> None:
    for secret in (*ODD, "пароль-жёлтый", 'geheim"wört\\er', "p'a's's"):
        twice = ESCAPES[outer](ESCAPES[inner](secret))
        assert redacted(f"KeyError: ({twice})", [secret]) == f"KeyError: ({CUT})"
        assert redacted(f"KeyError: ({repr(twice)[1:-1]})", [secret]) == f"KeyError: ({CUT})"


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("escape", [str, *ESCAPES.values()], ids=["plain", *ESCAPES])
def test_a_secret_is_cut_out_however_it_is_encoded(escape: Callable[[str], str], encode: Callable[[str], str]) -> None:
    for secret in ("correct horse battery", "пароль-жёлтый", "geheim\"wört'er", "k3y-of-alice-0123456789"):
        for before in ("", "bob:", "/"):
            for text in (before + secret, repr(before + secret)):
                shown = redacted(f"GET x/{escape(encode(text))}", [secret])
                left = shown.replace(CUT, "").removeprefix("GET x/")
                assert CUT in shown
                around = "".join(escape(encode(part)) for part in text.split(secret))
                assert len(html.unescape(unquote(left))) <= max(len(around), len(escape(encode("bob:''")))) + 8


@pytest.mark.parametrize("text", ["%" + 40 * "25" + "41", "x" + 2**12 * "\\"])
def test_of_a_text_that_is_escaped_without_an_end_nothing_is_shown(text: str) -> None:
    assert redacted(text, [KEY]) == CUT
    assert redacted("plain", [text]) == "plain"


@pytest.mark.parametrize("text", ["\\", "\\u12", "\\U00110000", "%zz", "&#1114112;", "&nothing;", "\\q", "it's", "&"])
def test_what_is_no_escape_stays(text: str) -> None:
    assert redacted(text, [KEY]) == text


@given(
    st.text(min_size=1), st.lists(st.sampled_from([*ESCAPES.values(), ENCODINGS["character references"]]), max_size=4)
)
def test_no_order_of_escapes_hides_a_secret(secret: str, escapes: list[Callable[[str], str]]) -> None:
    text = secret
    for escape in escapes:
        text = escape(text)
    assert redacted(f"({text})", [secret]) in (f"({CUT})", CUT, f"{CUT})", f"({CUT}")


@given(st.text(min_size=8), st.text(min_size=9), st.text())
def test_no_longer_piece_of_a_secret_is_shown(secret: str, other: str, text: str) -> None:
    shown = redacted(f"{text}{secret[:8]}{text}{other[-9:]}", [secret, other])
    assert secret[:8] not in shown.replace(CUT, "")
    assert other[-9:] not in shown.replace(CUT, "")


def test_overlapping_secrets_are_both_cut_out() -> None:
    assert redacted("--abcdefgh--", ["abcd", "cdefgh"]) == f"--{CUT}--"


@pytest.mark.parametrize(
    "headers, secrets, others",
    [
        ({"authorization": "Bearer abcd.efgh.ijk"}, {"abcd.efgh.ijk", "abcd", "efgh"}, {"ijk"}),
        ({"x_key": b64encode(b"wxyz").decode()}, {"wxyz"}, set[str]()),
        ({"x_key": b64encode(b"xyz").decode()}, {"eHl6"}, {"xyz"}),
        ({"authorization": 'Digest username="abcd", response=efgh, qop=x'}, {"abcd", "efgh"}, {"x"}),
        ({"proxy_authorization": f"Basic {b64encode(b'ab:cdef').decode()}"}, {"ab:cdef", "ab", "cdef"}, set[str]()),
        ({"cookie": 'a=abcd; b="efgh" ;c=\tijkl;d=xyz'}, {"abcd", "efgh", "ijkl"}, {"xyz"}),
        ({"x_key": "abcd", "x_other": "xyz"}, {"abcd"}, {"xyz"}),
    ],
)
def test_log_1_what_may_be_a_credential_counts_from_four_characters_on(
    headers: dict[str, str], secrets: set[str], others: set[str]
) -> None:
    for request in (wsgi_request(**headers), asgi_request(**headers)):
        found = secrets_of(request, ())
        assert secrets <= found
        assert found.isdisjoint(others)


def test_log_1_parts_of_a_query_are_cut_too() -> None:
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "key=ab%64e&other=xyz&k=efgh"})
    found = secrets_of(request, ())
    assert {"ab%64e", "abde", "efgh"} <= found
    assert "xyz" not in found


class Declining:
    """A verifier of other tokens than those that come, of which nobody can say what it expects."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def expects(self) -> str:
        raise self._error

    def verify(self, credentials: BearerToken, request: RequestHead, /) -> None:
        return None


@pytest.mark.parametrize("error", [RuntimeError("s3cret"), AttributeError("s3cret"), KeyError()], ids=repr)
def test_a_verifier_that_cannot_say_what_it_expects_refuses_all_the_same(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    auth = Auth(HTTPBearer(Declining(error)))
    with caplog.at_level(logging.INFO, "authmw"):
        asked = wsgi_request(authorization="Bearer t0ken")
        found = auth.authenticate(asked)
        refused = found if isinstance(found, Refusal) else auth.decide(found, AUTHENTICATED, asked)
    assert isinstance(refused, Refusal)
    assert refused.status == 401
    assert "s3cret" not in caplog.text


HARMLESS = (
    "accept accept_charset accept_encoding accept_language access_control_request_headers "
    "access_control_request_method cache_control connection dnt expect forwarded host if_match "
    "if_modified_since if_none_match if_range if_unmodified_since keep_alive origin pragma priority range "
    "sec_fetch_dest sec_fetch_mode sec_fetch_site sec_fetch_user te transfer_encoding upgrade "
    "upgrade_insecure_requests user_agent via x_forwarded_for x_forwarded_host x_forwarded_port "
    "x_forwarded_proto x_real_ip"
).split()


@pytest.mark.parametrize("name", HARMLESS)
def test_what_says_nothing_secret_stays_in_a_traceback(name: str) -> None:
    for request in (wsgi_request(**{name: "harmless"}), asgi_request(**{name: "harmless"})):
        assert secrets_of(request, ()) == set()
    assert "harmless" in secrets_of(wsgi_request(**{f"x_{name}": "harmless"}), ())


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic Og=="])
def test_an_empty_credential_is_no_text_to_cut(authorization: str) -> None:
    assert "" not in secrets_of(wsgi_request(authorization=authorization, cookie="a=;b"), ())


def _by_flask(scheme: Any, view: Callable[[str], None], body: str) -> int:
    from authmw_flask import FlaskAuth
    from flask import Flask, request

    app = Flask("shop")
    FlaskAuth(app, Auth(scheme))

    @app.post("/")
    def index() -> str:
        view(request.form["password"])
        return ""

    return app.test_client().post("/", data={"password": body}, headers={"Authorization": "Bearer t0ken"}).status_code


def _by_starlette(scheme: Any, view: Callable[[str], None], body: str) -> int:
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def index(request: Request) -> Response:
        view((await request.body()).decode())
        return Response()

    app = Starlette(
        routes=[Route("/", index, methods=["POST"])], middleware=[Middleware(AuthMiddleware, auth=Auth(scheme))]
    )
    return TestClient(app).post("/", content=body, headers={"Authorization": "Bearer t0ken"}).status_code


@pytest.mark.parametrize("by", [_by_flask, _by_starlette])
@pytest.mark.parametrize("shape", ["text", "cause"])
def test_class_2_what_a_view_read_from_the_body_is_in_no_record(
    shape: str, by: Callable[[Any, Callable[[str], None], str], int]
) -> None:
    def view(password: str) -> None:
        if shape == "text":
            raise StoreUnavailable(f"no answer for {password}")
        try:
            raise KeyError(password)
        except KeyError as error:
            raise StoreUnavailable("the directory is away") from error

    with _logged(logging.DEBUG) as records:
        assert by(HTTPBearer({"t0ken": Principal("alice")}.get), view, "correct horse battery") == 503
    texts = [record.getMessage() for record in records]
    assert any("error=StoreUnavailable " in text or text.endswith("error=StoreUnavailable path=/") for text in texts)
    assert not any("horse" in text for text in texts)
