"""What users of FastAPI write without looking it up: it works, or it is answered with the line to write."""

# Annotations are evaluated at once, as FastAPI needs them.

from typing import Annotated, Any

import fastapi
import pytest
from authmw_fastapi import CurrentPrincipal, FastAPIAuth, Scopes, authenticated, requires, requires_scopes
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict

from authmw import ConfigurationError, HTTPBearer, Principal
from authmw.engine.routes.frameworks import routes_of
from tests.adapters.fastapi.apps import as_, client_of, make_auth

untyped: Any = fastapi  # type checkers refuse what is tried here


def guarded() -> FastAPI:
    app = FastAPI()
    FastAPIAuth(app, make_auth())
    return app


def add(app: FastAPI, parameter: Any, default: Any = ...) -> None:
    """An endpoint whose parameter ``caller`` is annotated with `parameter`."""

    def endpoint(caller: Any = None) -> str:
        return str(caller.id)

    endpoint.__annotations__["caller"] = parameter
    endpoint.__defaults__ = None if default is ... else (default,)
    app.get("/orders")(endpoint)


@pytest.mark.parametrize("shape", ["annotated", "default", "list"])
def test_scopes_work_inside_of_depends_and_are_required(shape: str) -> None:
    app = guarded()
    asked = Depends(Scopes("items:write"))
    if shape == "annotated":
        add(app, Annotated[Principal, asked])
    elif shape == "default":
        add(app, Principal, asked)
    else:
        app.get("/orders", dependencies=[asked])(lambda: "alice")
    client = client_of(app)
    assert client.get("/orders").status_code == 401
    assert 'scope="items:write"' in client.get("/orders").headers["www-authenticate"]
    assert client.get("/orders", headers=as_("reader")).status_code == 403
    assert client.get("/orders", headers=as_("writer")).status_code == 200
    (listed,) = (route for route in routes_of(app) if route.path == "/orders")
    assert listed.requirement.scopes == ("items:write",)


@pytest.mark.parametrize(
    "make, line",
    [
        (lambda: untyped.Depends(make_auth()), "write Annotated[Principal, Security(auth)]"),
        (lambda: untyped.Security(make_auth(), scopes=["read"]), "write Annotated[Principal, Security(auth)]"),
        (lambda: untyped.Depends(HTTPBearer()), "write Annotated[Principal, Security(Auth(HTTPBearer(...)))]"),
        (lambda: Depends(requires_scopes("read", "write")), 'write Scopes("read", "write")'),
        (lambda: Depends(requires(lambda principal, request: True)), "the decorator below @app.get"),
    ],
    ids=["an Auth", "FastAPI's Security", "a scheme", "a decorator", "a predicate"],
)
def test_what_is_no_dependency_is_answered_when_the_route_is_added(make: Any, line: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        add(guarded(), Annotated[Principal, make()])
    assert line in str(refused.value)
    with pytest.raises(ConfigurationError) as again:
        guarded().get("/orders", dependencies=[make()])(lambda: "")
    assert str(again.value) == str(refused.value)


def test_a_decorator_in_the_list_of_dependencies_is_answered() -> None:
    with pytest.raises(ConfigurationError, match=r'write Scopes\("read"\)'):
        guarded().get("/orders", dependencies=[requires_scopes("read")])(lambda: "")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("parameter", [Principal, Principal | None, Annotated[Principal, Scopes], list[Principal]])
def test_a_principal_without_a_dependency_is_answered(parameter: Any) -> None:
    with pytest.raises(ConfigurationError, match="write caller: CurrentPrincipal, or"):
        add(guarded(), parameter)


def test_a_principal_in_the_answer_is_answered() -> None:
    def endpoint(caller: CurrentPrincipal) -> Principal:
        return caller

    with pytest.raises(ConfigurationError, match=r"return its fields, as caller\.id"):
        guarded().get("/me")(endpoint)


def test_a_model_that_takes_any_type_may_hold_a_principal() -> None:
    class Kept(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        principal: Principal

    alice = Principal("alice")
    assert Kept(principal=alice).principal is alice
    with pytest.raises(ValueError, match="instance of Principal"):
        Kept(principal="alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "dependency, line",
    [
        (CurrentPrincipal, "write caller: CurrentPrincipal, without Depends()"),
        (authenticated, "write @authenticated below @app.get"),
    ],
    ids=["a dependency", "a decorator"],
)
def test_what_fastapi_would_call_with_the_query_is_refused_at_the_start(dependency: Any, line: str) -> None:
    app = guarded()
    app.get("/orders", dependencies=[Depends(dependency)])(lambda: "orders")
    with pytest.raises(ConfigurationError) as refused, client_of(app):
        pass
    assert line in str(refused.value)
    with pytest.raises(ConfigurationError):
        client_of(app).get("/orders?args=x&kwargs=y&target=z", headers=as_("writer"))


def test_an_auth_and_a_scheme_are_not_called_by_anything_else() -> None:
    for each in (make_auth(), HTTPBearer(), HTTPBearer() | HTTPBearer(name="other")):
        with pytest.raises(ConfigurationError, match="FastAPI cannot call"):
            each()  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
