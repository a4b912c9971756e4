"""`UserView`: the user object goes first, then the principal, and a stranger has all that templates ask for."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ANONYMOUS, AccessRefused, APIKeyHeader, Auth, Principal, Reason
from authmw.engine.authentication import Authentication
from authmw.engine.context import Call
from authmw.engine.user_view import UserView
from authmw.identity.calling import current_call
from tests.requests import wsgi_request

ALICE = Principal("alice", name="Alice", scopes={"read"})


class Own:
    """A user object that says all of it itself."""

    is_authenticated = False
    is_anonymous = True
    is_active = False
    name = "own"
    numbers = (1, 2)

    def get_id(self) -> str:
        """As Flask-Login asks."""
        return "own-7"


def nobody(key: str) -> Principal | None:
    """Knows no caller."""
    return None


class Served:
    """A call of alice, with what loads her user object."""

    def __init__(self, load_user: Any = None, principal: Principal = ALICE) -> None:
        auth = Auth(APIKeyHeader("X-Key", nobody), load_user=load_user)
        self.call = Call(auth, Authentication(principal), wsgi_request())

    def __enter__(self) -> Call:
        self._token = current_call.set(self.call)
        return self.call

    def __exit__(self, *_: object) -> None:
        current_call.reset(self._token)


def test_what_the_user_object_says_goes_first() -> None:
    view = UserView(ALICE, Own())
    assert (view.is_authenticated, view.is_anonymous, view.is_active) == (False, True, False)
    assert (view.get_id(), view.name, view.numbers, view.display_name) == ("own-7", "own", (1, 2), "Alice")
    assert view.can("read")


def test_without_one_there_is_the_principal() -> None:
    view = UserView(ALICE)
    assert (view.is_authenticated, view.is_anonymous, view.is_active) == (True, False, True)
    assert (view.get_id(), view.name, view.behind) == ("alice", "Alice", ALICE)
    with pytest.raises(AttributeError, match="nothing"):
        _ = view.nothing
    assert UserView(ALICE, object()).get_id() == "alice"
    assert not hasattr(UserView(ANONYMOUS), "__html__")


def test_it_is_equal_to_what_it_stands_for() -> None:
    own = Own()
    assert UserView(ALICE, own) == own
    assert UserView(ALICE, own) == UserView(ANONYMOUS, own)
    assert UserView(ALICE, own) != UserView(ALICE)
    assert UserView(ALICE) == ALICE
    assert hash(UserView(ALICE, own)) == hash(own)
    assert repr(UserView(ALICE)) == repr(ALICE)


def test_an_object_that_is_there_is_not_loaded_again() -> None:
    def fail(principal: Principal) -> object:
        raise AssertionError(principal.id)

    own = Own()
    with Served(fail) as call:
        call.own_user = ALICE, own
        assert UserView.here().behind is own
        assert UserView.here(load=False).behind is own
        call.own_user = Principal("bob"), own
        assert UserView.here(load=False).behind is ALICE
    with Served() as call:  # an adapter has put it there
        call.own_user = ALICE, own
        assert UserView.here().behind is own


def test_it_is_loaded_once_and_in_templates_as_far_as_that_does_not_wait() -> None:
    asked: list[str] = []

    def load(principal: Principal) -> Own:
        asked.append(principal.id)
        return Own()

    async def load_async(principal: Principal) -> Own:
        return load(principal)

    with Served(load):
        assert UserView.here(load=False).behind is ALICE
        assert isinstance(UserView.here().behind, Own)
        assert isinstance(UserView.in_template().behind, Own)
    with Served(load_async):
        assert UserView.in_template().behind is ALICE
    assert asked == ["alice"]


def test_a_user_who_is_gone_is_a_stranger_and_reading_more_is_refused() -> None:
    with Served(nobody):
        view = UserView.here()
        assert (view.is_authenticated, view.is_anonymous, view.get_id(), view.display_name) == (False, True, None, "")
        assert not hasattr(view, "__html__")
        with pytest.raises(AccessRefused) as raised:
            _ = view.email
    assert raised.value.refusal.reason is Reason.TOKEN_USER_GONE


@pytest.mark.parametrize("principal", [ANONYMOUS, Principal("billing", kind="client")])
def test_a_caller_who_can_have_none_is_not_looked_up(principal: Principal) -> None:
    def fail(principal: Principal) -> object:
        raise AssertionError(principal.id)

    with Served(fail, principal):
        assert UserView.here().behind is principal


def test_outside_of_a_request_there_is_nobody() -> None:
    assert UserView.here().behind is ANONYMOUS
    assert UserView.in_template().is_anonymous
