"""A requirement of a recent login, or of one of a level (RFC 9470), for APIs and for pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import (
    APIKeyCookie,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    Principal,
    Reason,
    Refusal,
    Requirement,
    requirement_of,
    requires,
    requires_scopes,
)
from authmw.engine.authentication import Authentication
from authmw.engine.routes.doors import Asked
from authmw.engine.routes.explained import explained
from authmw.engine.routes.lock.lock import read_requirement, written
from authmw.engine.routes.route import needs
from authmw.http.challenge import parse_challenges
from authmw.http.refusal import ALLOWED
from authmw.http.request import RequestHead
from authmw.identity.step_up import StepUp
from authmw.openapi.refusals import refusals
from authmw.wsgi import AuthMiddleware
from tests.requests import wsgi_request

NOW = 1_000_000.0
GOLD = "urn:example:gold"
SILVER = "urn:example:silver"


def nobody(*credentials: str) -> Principal | None:
    """Knows no caller."""
    return None


def auth(**settings: Any) -> Auth:
    """An engine whose clock stands still."""
    return Auth(HTTPBearer(nobody) | APIKeyCookie("key", nobody), clock=lambda: NOW, **settings)


def alice(age: object = 0, **claims: Any) -> Principal:
    """Alice, who was authenticated `age` seconds ago."""
    when = {"auth_time": NOW - age} if isinstance(age, int | float) else {"auth_time": age}
    return Principal("alice", scopes={"read"}, claims={**when, **claims})


def decided(requirement: Requirement, principal: Principal, engine: Auth | None = None, **headers: str) -> Any:
    """The decision about a request of `principal`."""
    engine = engine or auth()
    return engine.decide(Authentication(principal, engine.schemes[0]), requirement, wsgi_request("/pay", **headers))


@pytest.mark.parametrize(
    "principal, passes",
    [
        (alice(0), True),
        (alice(300), True),
        (alice(301), False),
        (alice(-60), True),
        (alice(-61), False),
        (alice(None), False),
        (Principal("alice"), False),
        (alice("yesterday"), False),
        (alice(float("nan")), False),
    ],
)
def test_a_login_may_be_so_old_and_no_older(principal: Principal, passes: bool) -> None:
    decision = decided(requires(max_age=300).requirement, principal)
    assert (decision is ALLOWED) is passes
    assert passes or decision.reason is Reason.AUTHENTICATION_INSUFFICIENT


@pytest.mark.parametrize("acr, passes", [(GOLD, True), (SILVER, True), ("", False), ("urn:example:bronze", False)])
def test_one_of_the_levels_is_enough(acr: str, passes: bool) -> None:
    assert (decided(requires(acr=[SILVER, GOLD]).requirement, alice(acr=acr)) is ALLOWED) is passes


def test_an_api_is_told_what_is_required() -> None:
    needed = requires(max_age=timedelta(minutes=5), acr=[SILVER, GOLD]).requirement
    refusal = decided(needed, alice(301))
    assert isinstance(refusal, Refusal)
    response = refusal.response()
    assert response.status == 401
    first, second = [value for name, value in response.headers if name == "WWW-Authenticate"]
    (challenge,) = parse_challenges(first)
    assert dict(challenge.params) == {
        "realm": "app",
        "error": "insufficient_user_authentication",
        "error_description": "A more recent or a stronger login is required.",
        "max_age": "300",
        "acr_values": f"{SILVER} {GOLD}",
    }
    assert second == 'ApiKey realm="app", cookie="key"'
    assert refusal.problem()["error"] == "insufficient_user_authentication"


def test_the_strictest_of_several_is_told() -> None:
    needed = requires(max_age=300).requirement & requires(max_age=60, acr=[SILVER, GOLD]).requirement
    refusal = decided(needed & requires(acr=GOLD).requirement, alice(1000))
    assert 'max_age="60", acr_values="urn:example:gold"' in str(refusal.challenges[0])


def test_only_what_is_required_is_told() -> None:
    refusal = decided(requires(acr=GOLD).requirement, alice())
    assert str(refusal.challenges[0]).endswith(f'required.", acr_values="{GOLD}"')
    assert str(decided(requires(max_age=1).requirement, alice(2)).challenges[0]).endswith('max_age="1"')


def test_a_page_is_sent_back_through_the_login() -> None:
    browser = {"accept": "application/xhtml+xml"}
    engine, needed = auth(login="/login"), requires(max_age=300).requirement
    refusal = decided(needed, alice(301), engine, **browser)
    assert dict(refusal.response().headers)["Location"] == "/login?next=/pay&reauthenticate=1"
    assert decided(needed, alice(301), engine).login == ""
    # Another login would not say its time either.
    assert decided(needed, Principal("alice"), engine, **browser).login == ""
    assert decided(needed, alice(10), engine, **browser) is ALLOWED


def test_a_stranger_is_asked_to_log_in_as_everywhere() -> None:
    engine = auth(login="/login")
    decision = engine.decide(
        engine.authenticate(wsgi_request()),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        requires(max_age=300).requirement,
        wsgi_request("/pay", accept="application/xhtml+xml"),
    )
    assert isinstance(decision, Refusal)
    assert (decision.reason, decision.login) == (Reason.CREDENTIALS_MISSING, "/login?next=/pay")


def no(principal: Principal, request: RequestHead) -> bool:
    """A predicate that nobody passes."""
    return False


def test_who_may_not_do_it_is_not_asked_to_log_in_again() -> None:
    needed = requires(no, max_age=300).requirement
    assert decided(needed, alice(301)).reason is Reason.FORBIDDEN
    assert decided(needed & Requirement.all_of("write"), alice(301)).reason is Reason.SCOPE_MISSING


@given(st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text(), st.lists(st.integers())))
def test_no_claim_of_any_kind_passes_by_accident(value: object) -> None:
    principal = Principal("alice", claims={"auth_time": value, "acr": value, "amr": value})
    assert principal.auth_time is None or principal.auth_time == value
    assert isinstance(principal.acr, str)
    assert all(isinstance(each, str) for each in principal.amr)
    passes = decided(requires(max_age=300).requirement, principal) is ALLOWED
    assert not passes or (type(value) in (int, float) and NOW - 300 <= principal.auth_time <= NOW + 60)  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]


def test_the_claims_of_a_login_are_on_the_principal() -> None:
    principal = Principal("alice", claims={"auth_time": 7, "acr": GOLD, "amr": ["pwd", "otp"]})
    assert (principal.auth_time, principal.acr, principal.amr) == (7.0, GOLD, ("pwd", "otp"))
    assert (Principal("a").auth_time, Principal("a").acr, Principal("a").amr) == (None, "", ())
    assert Principal("a", claims={"amr": ["pwd", 7]}).amr == ()
    assert Principal("a", claims={"auth_time": 2**60, "acr": 7, "amr": "pwd"}).auth_time is None


def test_it_combines_with_scopes_and_stands_in_lists() -> None:
    @requires_scopes("read")
    @requires(max_age=300, acr=GOLD)
    def pay() -> None: ...

    needed = requirement_of(pay)
    assert needed is not None
    assert needs(needed) == "read, logged in at most 300 s ago by urn:example:gold"
    line = written(needed)
    assert line == '"read" check(max_age=300,acr_values=urn:example:gold,)'
    assert written(read_requirement(list[str](line.split()))) == line
    assert needed & needed == needed


def test_the_document_says_it_where_the_401_is() -> None:
    described = dict(refusals(auth(), requires(max_age=300).requirement, version="3.1", schema="Refusal"))
    assert described["401"]["description"].endswith("Or the caller is not logged in at most 300 s ago.")
    assert "403" not in described
    assert "403" in dict(refusals(auth(), requires(no, max_age=3).requirement, version="3.1", schema="Refusal"))


def test_rules_from_outside_may_have_it_and_explanations_name_it() -> None:
    app = AuthMiddleware(lambda environ, start_response: [], auth(), needs={"/pay": requires(max_age=300)})
    old = explained(app, Asked.parse("GET /pay"), alice(301))
    assert (old.is_allowed, old.notes) == (False, ())
    assert old.refusal is not None
    assert old.refusal.reason is Reason.AUTHENTICATION_INSUFFICIENT
    assert explained(app, Asked.parse("GET /pay"), alice(10)).is_allowed is True


@pytest.mark.parametrize(
    "arguments, told",
    [
        ({}, "needs a function"),
        ({"max_age": 0}, "max_age="),
        ({"max_age": -5}, "max_age="),
        ({"max_age": float("inf")}, "max_age="),
        ({"max_age": True}, "max_age="),
        ({"max_age": "300"}, "max_age="),
        ({"acr": ""}, "acr="),
        ({"acr": "gold, silver"}, "acr="),
        ({"acr": [GOLD, 7]}, "acr="),
        ({"acr": []}, "requires nothing"),
        ({"acr": 7}, "acr="),
    ],
)
def test_what_requires_nothing_is_refused(arguments: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        requires(**arguments)


def test_without_an_engine_it_is_a_predicate() -> None:
    assert StepUp(300)(Principal("alice", claims={"auth_time": 0}), wsgi_request()) is False


def test_a_scheme_without_errors_still_has_its_challenge() -> None:
    engine = Auth(HTTPBasic(nobody), clock=lambda: NOW)
    (challenge,) = decided(requires(max_age=300).requirement, alice(301), engine).challenges
    assert challenge.scheme == "Basic"
