"""A wrong argument of a public class is answered with the right one, and type checkers still see the signature."""

from __future__ import annotations

import importlib
import inspect
import pickle

import pytest

from authmw import Auth, ConfigurationError, HTTPBasic, HTTPBearer, JWTVerifier, KeyRing
from authmw.errors import WrongArguments, explains_arguments
from authmw.oauth2 import TokenService
from authmw.stores import MemoryStores

EXPLAINED = (
    *("authmw.Auth", "authmw.HTTPBasic", "authmw.HTTPBearer", "authmw.HTTPDigest", "authmw.HTTPDPoP"),
    *("authmw.APIKeyHeader", "authmw.APIKeyQuery", "authmw.APIKeyCookie", "authmw.TrustedHeader"),
    *("authmw.OAuth2PasswordBearer", "authmw.OAuth2AuthorizationCodeBearer", "authmw.OAuth2ClientCredentialsBearer"),
    *("authmw.OpenIdConnect", "authmw.Issuer", "authmw.JWTVerifier", "authmw.TokenVerifier", "authmw.PasswordVerifier"),
    *("authmw.DigestVerifier", "authmw.ApiKeyVerifier", "authmw.DPoPVerifier", "authmw.issuers.IntrospectionVerifier"),
    *("authmw.issuers.ProtectedResource", "authmw.stores.Stores", "authmw.stores.MemoryStores"),
    *("authmw.oauth2.TokenService", "authmw.oauth2.CookieMode", "authmw.oauth2.TokenCookie"),
    *("authmw.oauth2.Lifetimes", "authmw.oauth2.Runtime", "authmw.openapi.DocsPage", "authmw.pages.Look"),
    *("authmw.wsgi.AuthMiddleware", "authmw.asgi.AuthMiddleware", "authmw_flask.FlaskAuth"),
    *("authmw_starlette.AuthMiddleware", "authmw_fastapi.AuthMiddleware", "authmw_fastapi.FastAPIAuth"),
    *("authmw_flask.LocalAuth", "authmw_starlette.LocalAuth", "authmw_fastapi.LocalAuth"),
    *("authmw_sqlalchemy.SQLStores", "authmw_sqlalchemy.AsyncSQLStores"),
    *("authmw_redis.RedisStores", "authmw_redis.AsyncRedisStores"),
)


@pytest.mark.parametrize("name", EXPLAINED)
def test_each_class_that_users_construct_says_which_argument_it_has(name: str) -> None:
    package, _, attribute = name.rpartition(".")
    cls = getattr(importlib.import_module(package), attribute)
    known = list(inspect.signature(cls).parameters)
    last = next(each for each in reversed(known) if not each.startswith("_"))
    with pytest.raises(WrongArguments) as refused:
        cls(**{f"{last}x": None})
    assert f"{cls.__name__} has no argument {last}x (did you mean {last}?)" in str(refused.value)
    assert ": write " in str(refused.value)


def test_all_mistakes_of_a_call_are_named_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(WrongArguments) as refused:
        JWTVerifier(KeyRing.generate(), "https://id.example", "s3cret", lee_way=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert str(refused.value) == (
        "JWTVerifier has no argument lee_way (did you mean leeway?) and takes 1 argument(s) without a name, not 3 and "
        'needs issuer and audience: write JWTVerifier(keys, issuer="https://...", audience="...")'
    )


def test_an_argument_that_was_only_misspelt_is_not_missing_too() -> None:
    with pytest.raises(WrongArguments, match=r"^TokenService has no argument store \(did you mean stores\?\): write "):
        TokenService(issuer="https://id.example", audience="orders", store=MemoryStores())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_an_argument_given_by_place_and_by_name_is_named() -> None:
    with pytest.raises(WrongArguments, match="got accept twice, by its place and by its name"):
        Auth(HTTPBearer(), accept=HTTPBearer())  # type: ignore[misc]  # pyright: ignore[reportCallIssue]


def test_it_is_a_type_error_and_a_configuration_error() -> None:
    assert issubclass(WrongArguments, TypeError)
    assert issubclass(WrongArguments, ConfigurationError)
    again = pickle.loads(pickle.dumps(WrongArguments("one")))
    assert isinstance(again, WrongArguments)
    assert again.mistakes == ("one",)


def test_a_type_error_inside_of_the_constructor_stays_as_it_is() -> None:
    @explains_arguments("Broken()")
    class Broken:
        def __init__(self) -> None:
            len(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with pytest.raises(TypeError, match="has no len") as raised:
        Broken()
    assert not isinstance(raised.value, WrongArguments)


def test_a_subclass_with_arguments_of_its_own_keeps_them() -> None:
    class Basic(HTTPBasic):
        def __init__(self, *, shop: str) -> None:
            super().__init__(name=shop)

    assert Basic(shop="shop").name == "shop"


def test_the_signature_stays_that_of_the_class() -> None:
    assert list(inspect.signature(HTTPBasic).parameters) == ["verifier", "name", "description"]
    assert inspect.signature(Auth).parameters["realm"].default == "app"
