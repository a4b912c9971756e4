"""The engine: how schemes are asked, and what becomes of their verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from authmw import (
    ANONYMOUS,
    APIKeyHeader,
    APIKeyQuery,
    ApiKeyVerifier,
    Auth,
    Authenticated,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    Principal,
    Reason,
    Refusal,
    Rejected,
    Requirement,
    any_of,
)
from authmw.engine.authentication import Authentication
from authmw.flow import Ask, Flow, FlowError
from authmw.http.refusal import ALLOWED
from authmw.http.request import ASGIRequest, RequestHead
from authmw.identity.requirement import Access
from authmw.schemes.base import Alternatives
from authmw.stores import MemoryApiKeys, StoreUnavailable
from tests.requests import asgi_request, recalled, wsgi_request

ALICE = Principal("alice", scopes={"read"})
BOB = Principal("bob")


class Says:
    """A verifier of one answer, which counts how often it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0

    def verify(self, credentials: object, request: RequestHead, /) -> Any:
        self.asked += 1
        return self.answer


YES = Authenticated(ALICE)
NO = Rejected(Reason.KEY_UNKNOWN)

BEARER = {"authorization": "Bearer t"}
BASIC = {"authorization": "Basic YTpi"}


def _principal(auth: Auth, **headers: str) -> Principal:
    found = auth.authenticate(wsgi_request(**headers))
    assert isinstance(found, Authentication)
    return found.principal


def _reason(auth: Auth, **headers: str) -> Reason:
    """Why a request is refused that asks for somebody."""
    request = wsgi_request(**headers)
    found = auth.authenticate(request)
    if isinstance(found, Authentication):
        decision = auth.decide(found, Requirement(), request)
        assert isinstance(decision, Refusal)
        return decision.reason
    return found.reason


def test_a_scheme_that_finds_nothing_is_skipped() -> None:
    bearer = Says(NO)
    assert _principal(Auth(HTTPBearer(bearer) | APIKeyHeader("X-Key", Says(YES))), x_key="k").id == "alice"
    assert bearer.asked == 0


def test_credentials_of_another_kind_are_left_to_the_next_alternative() -> None:
    auth = Auth(HTTPBearer(Says(None), name="JWT") | HTTPBearer(Says(YES), name="Opaque"))
    assert _principal(auth, **BEARER).scheme == "Opaque"


def test_the_first_verdict_decides_and_nobody_else_is_asked() -> None:
    later = Says(YES)
    auth = Auth(HTTPBearer(Says(NO), name="First") | HTTPBearer(later, name="Second") | APIKeyHeader("X-Key", later))
    assert _reason(auth, **BEARER, x_key="k") is Reason.KEY_UNKNOWN
    assert later.asked == 0


def test_what_was_presented_and_is_nobody_s_is_refused() -> None:
    assert _reason(Auth(HTTPBearer(Says(None))), **BEARER) is Reason.TOKEN_KIND
    assert _reason(Auth(HTTPBearer(Says(YES))), **BASIC) is Reason.SCHEME_UNSUPPORTED
    assert _reason(Auth(APIKeyHeader("X-Key", Says(None))), x_key="k") is Reason.SCHEME_UNSUPPORTED


@pytest.mark.parametrize("first", [True, False])
def test_what_is_nobody_s_is_refused_also_beside_a_scheme_without_a_verifier(first: bool) -> None:
    bearer, key = HTTPBearer(Says(None)), APIKeyHeader("X-Key")
    auth = Auth(key | bearer if first else bearer | key)
    found = auth.authenticate(wsgi_request(x_key="k"))
    assert isinstance(found, Authentication)
    assert (found.presented, found.credentials) == (True, None)
    assert _reason(auth, **BEARER) is Reason.TOKEN_KIND
    assert _reason(auth, x_key="k") is Reason.SCHEME_UNSUPPORTED


def test_a_response_varies_by_the_headers_that_schemes_read_and_by_nothing_else() -> None:
    assert Auth(APIKeyQuery("key") | HTTPBearer() | APIKeyHeader("X-Key") | HTTPBasic()).vary == "Authorization, X-Key"
    assert Auth(APIKeyQuery("key")).vary == ""


@pytest.mark.parametrize("remember", [-1, 1.5, "4", None, True])
def test_how_much_is_remembered_is_a_number(remember: Any) -> None:
    with pytest.raises(ConfigurationError, match="write an int"):
        Auth(HTTPBearer(), remember=remember)


def test_a_predicate_that_says_no_is_a_403_without_a_challenge() -> None:
    request = wsgi_request(**BEARER)
    auth = Auth(HTTPBearer(Says(YES)))
    found = auth.authenticate(request)
    assert isinstance(found, Authentication)
    refusal = auth.decide(found, Requirement(predicates=(lambda principal, request: False,)), request)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason, refusal.challenges) == (403, Reason.FORBIDDEN, ())


def test_class_21_two_authorization_headers_stop_before_any_scheme_is_asked() -> None:
    verifier = Says(YES)
    assert _reason(Auth(HTTPBearer(verifier)), authorization="Bearer t,Bearer t") is Reason.AUTHORIZATION_DUPLICATE
    assert verifier.asked == 0


class Down:
    """A verifier whose store is down."""

    def verify(self, credentials: object, request: RequestHead, /) -> Flow[Any]:
        def fail() -> None:
            raise OSError("secret connection string")

        yield from Ask(fail)
        return YES


@pytest.mark.parametrize("how", ["wsgi", "asgi"])
def test_err_3_a_store_that_fails_stops_everything(how: str) -> None:
    later = Says(YES)
    auth = Auth(HTTPBearer(Down(), name="First") | HTTPBearer(later, name="Second"))
    if how == "wsgi":
        refusal = auth.authenticate(wsgi_request(**BEARER))
    else:
        refusal = asyncio.run(auth.authenticate_async(asgi_request(**BEARER)))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.challenges, refusal.retry_after) == (503, (), 5)
    assert later.asked == 0
    assert "secret" not in repr(refusal) + refusal.detail


def test_the_headers_that_each_part_of_all_of_owes_are_sent_in_their_order() -> None:
    def owing(name: str) -> Says:
        return Says(Authenticated(BOB, headers=((name, "owed"),)))

    three = APIKeyHeader("X-Key", owing("X-First")) & APIKeyHeader("X-Site", owing("X-Second"), name="Site")
    auth = Auth(three & HTTPBearer(owing("X-Third")))
    found = auth.authenticate(wsgi_request(**BEARER, x_key="k", x_site="s"))
    assert isinstance(found, Authentication)
    assert found.headers == (("X-First", "owed"), ("X-Second", "owed"), ("X-Third", "owed"))


def test_all_of_needs_every_part_at_once_and_the_last_says_who_it_is() -> None:
    auth = Auth(APIKeyHeader("X-Key", Says(Authenticated(BOB))) & HTTPBearer(Says(YES)))
    assert _principal(auth, **BEARER, x_key="k").id == "alice"
    assert _reason(auth, **BEARER) is Reason.SCHEME_UNSUPPORTED
    assert _reason(auth, x_key="k") is Reason.SCHEME_UNSUPPORTED
    assert _reason(auth) is Reason.CREDENTIALS_MISSING


@pytest.mark.parametrize("first, second", [(None, YES), (YES, None), (None, None)])
def test_all_of_with_a_part_that_nobody_knows_is_presented_and_lets_nobody_in(first: Any, second: Any) -> None:
    auth = Auth(APIKeyHeader("X-Key", Says(first)) & HTTPBearer(Says(second)))
    found = auth.authenticate(wsgi_request(**BEARER, x_key="k"))
    assert isinstance(found, Refusal) or (found.presented and not found.principal.is_authenticated)
    assert _reason(auth, **BEARER, x_key="k") in (Reason.SCHEME_UNSUPPORTED, Reason.TOKEN_KIND)


class _OfTheApplication(APIKeyHeader):
    """A scheme that raises what it was given when it looks for its credentials."""

    raised: BaseException

    def extract(self, request: RequestHead) -> Any:
        raise self.raised


@pytest.mark.parametrize(
    "raised, status",
    [(StoreUnavailable("silent"), 503), (KeyError("a secret"), 503)],
)
def test_a_part_of_all_of_that_fails_while_others_are_looked_at_stops_everything(
    raised: BaseException, status: int
) -> None:
    failing = _OfTheApplication("X-Site", Says(YES), name="Site")
    failing.raised = raised
    auth = Auth(HTTPBearer(Says(YES)) & failing)
    found = auth.authenticate(wsgi_request())
    assert isinstance(found, Refusal)
    assert found.status == status
    assert "a secret" not in repr(found) + found.detail


@pytest.mark.parametrize("first, second", [(NO, YES), (YES, NO)])
def test_all_of_is_refused_when_one_part_is_bad(first: Any, second: Any) -> None:
    auth = Auth(APIKeyHeader("X-Key", Says(first)) & HTTPBearer(Says(second)))
    assert _reason(auth, **BEARER, x_key="k") is Reason.KEY_UNKNOWN


def test_an_alternative_beside_all_of_still_counts() -> None:
    both = APIKeyHeader("X-Key", Says(Authenticated(BOB))) & HTTPBearer(Says(YES))
    auth = Auth(both | HTTPBasic(Says(Authenticated(BOB))))
    assert _principal(auth, **BASIC).id == "bob"
    assert _reason(auth, **BEARER) is Reason.SCHEME_UNSUPPORTED


def test_what_all_of_proves_is_never_remembered() -> None:
    verifier = Says(Authenticated(ALICE, remember_until=1e12))
    auth = Auth(APIKeyHeader("X-Key", Says(Authenticated(BOB))) & HTTPBearer(verifier))
    _principal(auth, **BEARER, x_key="k")
    assert recalled(auth, b"Bearer t") is None


def test_two_schemes_that_share_the_authorization_header_cannot_both_be_needed() -> None:
    bearer, basic, key = HTTPBearer(Says(YES)), HTTPBasic(Says(YES)), APIKeyHeader("X-Key", Says(YES))
    with pytest.raises(ConfigurationError, match="one Authorization header"):
        _ = bearer & basic
    with pytest.raises(ConfigurationError, match="one Authorization header"):
        _ = basic & (bearer | bearer & key)
    assert Auth(basic & (bearer | key)).schemes == (basic, bearer, key)


@pytest.mark.parametrize(
    "answer",
    [True, 1, "alice", ALICE, {"sub": "alice"}, (ALICE,), object(), False, 0, ""],
    ids=lambda answer: type(answer).__name__ + repr(answer)[:5],
)
def test_an_answer_that_is_no_verdict_is_no_proof(answer: object) -> None:
    with pytest.raises(FlowError, match="neither Authenticated, Rejected nor None"):
        Auth(HTTPBearer(Says(answer))).authenticate(wsgi_request(**BEARER))


@pytest.mark.parametrize("principal", [ANONYMOUS, None, "alice"], ids=repr)
def test_to_authenticate_nobody_is_no_proof(principal: Any) -> None:
    with pytest.raises(FlowError, match="authenticated nobody"):
        Auth(HTTPBearer(Says(Authenticated(principal)))).authenticate(wsgi_request(**BEARER))


@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_verifier_that_is_async_def_is_no_proof() -> None:
    class Async:
        async def verify(self, credentials: object, request: RequestHead, /) -> Any:
            return YES

    verifier: Any = Async()
    with pytest.raises(FlowError):
        Auth(HTTPBearer(verifier)).authenticate(wsgi_request(**BEARER))


def test_a_question_handed_back_as_the_verdict_is_no_proof() -> None:
    with pytest.raises(FlowError):
        Auth(HTTPBearer(Says(Ask(str)))).authenticate(wsgi_request(**BEARER))


@pytest.mark.parametrize("answer", [True, "alice", {"sub": "alice"}, ANONYMOUS], ids=repr)
def test_a_function_that_answers_no_principal_is_no_proof(answer: Any) -> None:
    with pytest.raises(FlowError):
        Auth(HTTPBearer(_answers(answer))).authenticate(wsgi_request(**BEARER))


def test_a_function_that_raises_is_a_store_that_is_down() -> None:
    def find(token: str) -> Principal:
        return {"t1": ALICE}[token]  # a KeyError for every other token

    assert _reason(Auth(HTTPBearer(find)), **BEARER) is Reason.UNAVAILABLE


def test_an_async_function_under_wsgi_is_no_proof() -> None:
    async def find(token: str) -> Principal:
        return ALICE

    with pytest.raises(FlowError, match="WSGI"):
        Auth(HTTPBearer(find)).authenticate(wsgi_request(**BEARER))


def test_the_verdict_is_the_same_on_a_loop() -> None:
    async def find(token: str) -> Principal | None:
        return ALICE if token == "t" else None

    auth = Auth(HTTPBearer(find))
    found = asyncio.run(auth.authenticate_async(asgi_request(**BEARER)))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"


def _answers(answer: Any) -> Callable[..., Any]:
    def function(*_: object) -> Any:
        return answer

    return function


def test_the_principal_of_the_application_is_not_changed() -> None:
    shared = Principal("root")
    auth = Auth(HTTPBearer(_answers(shared)) | APIKeyHeader("X-Key", _answers(shared)))
    assert _principal(auth, **BEARER).scheme == "HTTPBearer"
    assert _principal(auth, x_key="k").scheme == "APIKeyHeader"
    assert shared.scheme == ""


def test_a_verifier_of_two_schemes_names_the_one_that_was_used() -> None:
    keys = MemoryApiKeys()
    verifier = ApiKeyVerifier(keys)
    auth = Auth(APIKeyHeader("X-Key", verifier) | HTTPBearer(verifier))
    key, _ = keys.create("alice")
    assert verifier.scheme == "APIKeyHeader"
    for headers, scheme in (({"x_key": key}, "APIKeyHeader"), ({"authorization": f"Bearer {key}"}, "HTTPBearer")):
        assert _principal(auth, **headers).scheme == scheme


def test_a_principal_that_names_its_scheme_is_not_copied() -> None:
    named = Principal("alice", scheme="HTTPBearer")
    assert _principal(Auth(HTTPBearer(_answers(named))), **BEARER) is named


def test_a_scheme_without_a_verifier_extracts_and_authenticates_nobody() -> None:
    found = Auth(HTTPBearer()).authenticate(wsgi_request(**BEARER))
    assert isinstance(found, Authentication)
    assert found.principal is ANONYMOUS
    assert getattr(found.credentials, "token", None) == "t"


def test_class_18_empty_credentials_are_never_looked_up() -> None:
    verifier = Says(YES)
    auth = Auth(HTTPBearer(verifier) | HTTPBasic(verifier) | APIKeyHeader("X-Key", verifier))
    for headers in (
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": ""},
        {"authorization": "Basic"},
        {"authorization": "Basic Og=="},
        {"authorization": "Basic YTo="},
        {"authorization": "Basic OmI="},
        {"x_key": ""},
        {"x_key": "  "},
    ):
        assert _reason(auth, **headers).status == 401
    assert verifier.asked == 0


# Decisions


def _decide(principal: Principal, requirement: Requirement) -> Any:
    auth = Auth(HTTPBearer(Says(YES)))
    scheme = auth.schemes[0] if principal.is_authenticated else None
    decision = auth.decide(Authentication(principal, scheme), requirement, wsgi_request())
    return decision if decision is ALLOWED else decision.reason


@pytest.mark.parametrize(
    "requirement, anonymous, alice",
    [
        (Requirement(Access.PUBLIC), ALLOWED, ALLOWED),
        (Requirement(), Reason.CREDENTIALS_MISSING, ALLOWED),
        (Requirement.all_of("read"), Reason.CREDENTIALS_MISSING, ALLOWED),
        (Requirement.all_of("write"), Reason.CREDENTIALS_MISSING, Reason.SCOPE_MISSING),
        (Requirement.all_of("read", "write"), Reason.CREDENTIALS_MISSING, Reason.SCOPE_MISSING),
        (Requirement.all_of(any_of("read", "write")), Reason.CREDENTIALS_MISSING, ALLOWED),
        (Requirement.all_of(any_of("a", "b")), Reason.CREDENTIALS_MISSING, Reason.SCOPE_MISSING),
        (Requirement(Access.PUBLIC) & Requirement.all_of("write"), Reason.CREDENTIALS_MISSING, Reason.SCOPE_MISSING),
        (Requirement(Access.PUBLIC, scopes=("write",)), Reason.CREDENTIALS_MISSING, Reason.SCOPE_MISSING),
        (Requirement(predicates=(_answers(True),)), Reason.CREDENTIALS_MISSING, ALLOWED),
        (Requirement(predicates=(_answers(False),)), Reason.CREDENTIALS_MISSING, Reason.FORBIDDEN),
        (Requirement(predicates=(_answers(True), _answers(False))), Reason.CREDENTIALS_MISSING, Reason.FORBIDDEN),
    ],
)
def test_who_meets_a_requirement(requirement: Requirement, anonymous: object, alice: object) -> None:
    assert _decide(ANONYMOUS, requirement) is anonymous
    assert _decide(ALICE, requirement) is alice


def test_another_principal_than_the_caller_may_have_to_meet_it() -> None:
    auth = Auth(HTTPBearer(Says(YES)))
    seen: list[Principal] = []

    def look(principal: Principal, request: object) -> bool:
        seen.append(principal)
        return True

    def decide(caller: Principal, principal: Principal | None, requirement: Requirement) -> Any:
        found = Authentication(caller, auth.schemes[0])
        decision = auth.decide(found, requirement, wsgi_request(), principal=principal)
        return decision if decision is ALLOWED else decision.reason

    read = Requirement.all_of("read")
    assert decide(ALICE, None, read) is ALLOWED
    assert decide(ALICE, BOB, read) is Reason.SCOPE_MISSING
    assert decide(BOB, ALICE, read) is ALLOWED
    assert decide(ALICE, ANONYMOUS, read) is Reason.CREDENTIALS_MISSING
    assert decide(ALICE, BOB, Requirement(predicates=(look,))) is ALLOWED
    assert seen == [BOB]


@pytest.mark.parametrize("answer", [None, 1, 0, "yes", "", [], object()], ids=lambda answer: repr(answer)[:7])
def test_a_predicate_answers_true_or_false_and_nothing_like_it(answer: Any) -> None:
    with pytest.raises(FlowError, match="True or False"):
        _decide(ALICE, Requirement(predicates=(_answers(answer),)))


@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_predicate_that_turns_out_async_is_no_yes() -> None:
    async def later() -> bool:
        return True

    with pytest.raises(FlowError):
        _decide(ALICE, Requirement(predicates=(_answers(later()),)))


def test_a_403_names_all_scopes_of_the_operation_and_challenges_the_scheme_that_was_used() -> None:
    auth = Auth(HTTPBearer(Says(YES)) | HTTPBasic(Says(YES)))
    requirement = Requirement.all_of("read", any_of("b", "c")) & Requirement.all_of("d")
    refusals: list[Refusal] = []
    for headers in (BEARER, BASIC):
        found = auth.authenticate(wsgi_request(**headers))
        assert isinstance(found, Authentication)
        decision = auth.decide(found, requirement, wsgi_request())
        assert isinstance(decision, Refusal)
        refusals.append(decision)
    assert [str(challenge) for challenge in refusals[0].challenges] == [
        'Bearer realm="app", error="insufficient_scope", scope="read d b c"'
    ]
    assert refusals[1].challenges == ()
    assert refusals[0].missing == ("d", "b", "c")


def test_hdr_6_every_scheme_is_challenged_in_the_order_of_declaration() -> None:
    auth = Auth(HTTPBasic(Says(YES)) | (APIKeyQuery("key", Says(YES)) & HTTPBearer(Says(YES))))
    request = wsgi_request()
    found = auth.authenticate(request)
    assert isinstance(found, Authentication)
    decision = auth.decide(found, Requirement(), request)
    assert isinstance(decision, Refusal)
    assert [challenge.scheme for challenge in decision.challenges] == ["Basic", "ApiKey", "Bearer"]


# Set-up


@pytest.mark.parametrize(
    "make, mistake",
    [
        (lambda: Auth("HTTPBearer"), "accepts schemes"),  # type: ignore[arg-type]  # the mistake
        (lambda: Auth(HTTPBearer), "accepts schemes"),  # type: ignore[arg-type]  # the mistake
        (lambda: Auth(HTTPBearer(Says(YES)) | HTTPBearer(Says(YES))), "two schemes are named HTTPBearer"),
        (lambda: Auth(HTTPBearer(), realm=""), "realm"),
        (lambda: Auth(HTTPBearer(), realm='"\r\nX: y'), "realm"),
        (lambda: Auth(HTTPBearer(), realm="Bücher"), "realm"),
        (lambda: Auth(HTTPBearer(), remember=-1), "remember"),
        (lambda: HTTPBearer() | "HTTPBasic", "no security scheme"),  # type: ignore[operator]  # the mistake
        (lambda: HTTPBearer(42), "no verifier"),  # type: ignore[arg-type]  # the mistake
        (lambda: APIKeyHeader("X_API_Key"), "underscore"),
        (lambda: APIKeyHeader("Authorization"), "Authorization"),
        (lambda: APIKeyHeader("X Key"), "cannot name"),
    ],
)
def test_a_mistake_in_the_set_up_is_named(make: Callable[[], Alternatives | Auth], mistake: str) -> None:
    with pytest.raises(ConfigurationError, match=mistake):
        make()


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Auth(HTTPBearer(Says(YES)) | HTTPBearer(Says(YES)), realm="", remember=-1)
    assert len(raised.value.mistakes) == 3


def test_several_schemes_may_each_stand_in_several_alternatives() -> None:
    bearer, basic = HTTPBearer(Says(YES)), HTTPBasic(Says(YES))
    key = APIKeyHeader("X-Key", Says(YES))
    assert set(Auth(bearer & key | basic & key | bearer | basic).schemes) == {bearer, basic, key}
    with pytest.raises(ConfigurationError, match="two schemes are named HTTPBasic") as refused:
        Auth(bearer & key | basic & key | bearer | HTTPBasic(Says(YES)))
    assert len(refused.value.mistakes) == 1


def test_under_asgi_the_request_decides_where_a_blocking_store_is_called() -> None:
    called: list[object] = []

    def find(token: str) -> Principal:
        return ALICE

    class OnItsOwnThread(ASGIRequest):
        async def call_blocking(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            called.append(function)
            return function(*args, **kwargs)

    head = asgi_request(authorization="Bearer t0ken")
    found = asyncio.run(Auth(HTTPBearer(find)).authenticate_async(OnItsOwnThread(head.scope)))
    assert isinstance(found, Authentication)
    assert (found.principal.id, called) == ("alice", [find])
