"""``request.user``: the default object, backends and functions, and that no credential makes staff by accident."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from authmw_django import PrincipalUser, UsernameBackend

from authmw import Principal
from authmw.identity.principal import ANONYMOUS
from tests.adapters.django.asking import KINDS, ask, said
from tests.adapters.django.site import LAYERS, configured

every_kind = pytest.mark.parametrize("kind", KINDS)
FINDERS = "tests.adapters.django.finders"
REMOTE = "django.contrib.auth.backends.RemoteUserBackend"


@pytest.fixture(autouse=True)
def users() -> Iterator[Any]:
    with configured():
        from django.contrib.auth.models import User

        User.objects.all().delete()
        User.objects.create_user("reader")
        User.objects.create_user("clerk")
        User.objects.create_user("writer", is_active=False)
        User.objects.create_superuser("t0ken")
        yield User
        User.objects.all().delete()


def test_the_user_of_a_principal_has_no_rights_in_django() -> None:
    user = PrincipalUser(Principal("admin", scopes={"admin", "superuser"}, claims={"is_staff": True}))
    assert (user.is_authenticated, user.is_active, user.is_anonymous) == (True, True, False)
    rights = (user.is_staff, user.is_superuser, user.has_perm("auth.add_user"), user.has_module_perms("auth"))
    assert rights == (False, False, False, False)
    assert not user.has_perms(["auth.add_user"])
    assert user.has_perms([])
    assert user.get_all_permissions() | user.get_group_permissions() | user.get_user_permissions() == set()
    assert (user.username, user.get_username(), str(user)) == ("admin", "admin", "admin")


def test_the_user_of_nobody_is_anonymous() -> None:
    user = PrincipalUser(ANONYMOUS)
    assert (user.is_authenticated, user.is_active, user.is_anonymous, user.pk, user.id) == (
        False,
        False,
        True,
        None,
        None,
    )


def test_users_are_equal_if_their_principals_have_one_id_and_one_kind() -> None:
    alice, again = PrincipalUser(Principal("alice")), PrincipalUser(Principal("alice", scopes={"a"}))
    machine = PrincipalUser(Principal("alice", kind="client"))
    assert alice == again
    assert len({alice, again, machine}) == 2
    assert alice != "alice"
    assert repr(machine) == "PrincipalUser(Principal(id='alice', kind='client', scopes=[]))"


def test_its_primary_key_is_that_of_no_row(users: Any) -> None:
    number = str(users.objects.get(username="reader").pk)
    user = PrincipalUser(Principal(number))
    with pytest.raises(ValueError, match="expected a number"):
        users.objects.get(pk=user.pk)


FOUND = [
    # user=, staff=, token, the status, and the user of Django that the view gets
    (None, False, "t0ken", 200, "t0ken"),
    ("authmw_django.UsernameBackend", False, "reader", 200, "reader"),
    ("authmw_django.UsernameBackend", False, "writer", 403, ""),
    ("authmw_django.UsernameBackend", False, "t0ken", 403, ""),
    ("authmw_django.UsernameBackend", True, "t0ken", 200, "t0ken"),
    ("authmw_django.UsernameBackend", False, "machine", 403, ""),
    (f"{FINDERS}.by_name", False, "reader", 200, "reader"),
    (f"{FINDERS}.by_name", False, "writer", 403, ""),
    (f"{FINDERS}.by_name", False, "t0ken", 403, ""),
    (f"{FINDERS}.by_name_later", False, "reader", 200, "reader"),
    (f"{FINDERS}.by_name_later", False, "t0ken", 403, ""),
    (f"{FINDERS}.ByScope", False, "reader", 200, "clerk"),
    (f"{FINDERS}.ByScope", False, "t0ken", 403, ""),
    (f"{FINDERS}.nobody", False, "reader", 403, ""),
    (f"{FINDERS}.anonymous", False, "reader", 403, ""),
    (f"{FINDERS}.truth", False, "reader", 403, ""),
    (f"{FINDERS}.denies", False, "reader", 403, ""),
    (f"{FINDERS}.fails", False, "reader", 503, ""),
    (REMOTE, False, "reader", 200, "reader"),
    (REMOTE, False, "t0ken", 403, ""),
]


@every_kind
@pytest.mark.parametrize(
    "finder, staff, token, status, user",
    FOUND,
    ids=[f"{str(row[0]).rpartition('.')[2]}, {'staff, ' if row[1] else ''}{row[2]}" for row in FOUND],
)
def test_the_setting_decides_who_the_user_is(
    kind: str, finder: str | None, staff: bool, token: str, status: int, user: str
) -> None:
    with configured(authmw={"user": finder, "staff": staff}):
        seen = ask(kind, "/plain", token)
        assert seen.status == status
        if status == 200:
            assert said(seen)["user"] == user
            assert said(seen)["principal"] == token
        elif status == 403:
            assert (said(seen)["code"], seen.all("www-authenticate")) == ("authmw.forbidden", [])


@every_kind
def test_a_caller_without_a_user_may_not_see_public_pages_either_and_a_stranger_may(kind: str) -> None:
    with configured(authmw={"user": f"{FINDERS}.nobody"}):
        assert [ask(kind, path, "reader").status for path in ("/health", "/open/window", "/no-such-page")] == [403] * 3
        assert [ask(kind, path).status for path in ("/health", "/open/window")] == [200, 200]


@every_kind
def test_nobody_is_looked_up_for_a_stranger(kind: str) -> None:
    with configured(authmw={"user": f"{FINDERS}.fails"}):
        assert ask(kind, "/health").status == 200


def test_a_user_has_the_path_of_the_backend_that_found_it() -> None:
    from django.test import Client

    with configured(authmw={"user": "authmw_django.UsernameBackend"}):
        response: Any = Client().get("/plain", headers={"authorization": "Bearer reader"})
        assert response.wsgi_request.user.backend == "authmw_django.UsernameBackend"


def test_the_backend_for_usernames_finds_nobody_without_a_principal() -> None:
    assert UsernameBackend().authenticate(None) is None


@pytest.mark.parametrize("name, found", [("alice", True), ("Alice", False), ("àlice", False)])
def test_a_database_that_compares_without_case_finds_nobody_else(
    name: str, found: bool, users: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = users(username="alice")

    def found_without_case(**_: object) -> SimpleNamespace:
        return SimpleNamespace(first=lambda: alice)

    monkeypatch.setattr(users._default_manager, "filter", found_without_case)
    assert UsernameBackend().authenticate(None, principal=Principal(name)) is (alice if found else None)


# Sessions of Django beside tokens.


@pytest.fixture
def session(users: Any) -> str:
    """The cookie of a session of the superuser."""
    from django.test import Client

    client = Client()
    client.force_login(users.objects.get(username="t0ken"))
    return f"sessionid={client.cookies['sessionid'].value}"


@every_kind
def test_a_token_decides_beside_the_session_of_another_user(kind: str, session: str) -> None:
    seen = said(ask(kind, "/plain", "reader", cookie=session))
    assert (seen["user"], seen["principal"], seen["remote_user"]) == ("reader", "reader", "reader")
    assert said(ask(kind, "/user-later", "reader", cookie=session)) == {"user": "reader"}


@every_kind
@pytest.mark.parametrize("position", [0, 5], ids=["before", "after AuthenticationMiddleware"])
def test_the_place_among_the_middleware_does_not_change_the_user(kind: str, position: int, session: str) -> None:
    layers = LAYERS[1:]
    layers.insert(position, LAYERS[0])
    with configured(MIDDLEWARE=layers):
        assert said(ask(kind, "/plain", "reader", cookie=session))["user"] == "reader"
        assert said(ask(kind, "/user-later", "reader", cookie=session)) == {"user": "reader"}
        assert said(ask(kind, "/open/window", cookie=session))["user"] == "t0ken"


@every_kind
def test_a_session_is_no_credential_of_a_guarded_path(kind: str, session: str) -> None:
    assert ask(kind, "/plain", cookie=session).status == 401
    seen = said(ask(kind, "/open/window", cookie=session))
    assert (seen["user"], seen["principal"], seen["remote_user"]) == ("t0ken", "", None)


@every_kind
def test_the_admin_lets_in_no_token_unless_its_user_is_staff(kind: str, session: str) -> None:
    assert ask(kind, "/admin/", "t0ken", cookie=session).status == 302
    with configured(authmw={"user": "authmw_django.UsernameBackend"}):
        assert ask(kind, "/admin/", "t0ken", cookie=session).status == 403
    with configured(authmw={"user": "authmw_django.UsernameBackend", "staff": True}):
        assert ask(kind, "/admin/", "t0ken").status == 200


@every_kind
def test_login_required_middleware_knows_the_user(kind: str) -> None:
    with configured(MIDDLEWARE=[*LAYERS, "django.contrib.auth.middleware.LoginRequiredMiddleware"]):
        assert ask(kind, "/plain", "reader").status == 200
        assert ask(kind, "/plain").status == 401
        stranger = ask(kind, "/health")  # public for authmw, and closed for Django
        assert (stranger.status, stranger.all("location")) == (302, ["/accounts/login/?next=/health"])


# Cross-site requests: the check of Django is left out only where no browser adds the credential by itself.


@every_kind
@pytest.mark.parametrize(
    "headers, status",
    [
        ({"authorization": "Bearer writer"}, 200),
        ({"x_api_key": "writer"}, 200),
        ({"authorization": "Basic cmVhZGVyOnBhc3M="}, 403),
        ({"cookie": "key=writer"}, 403),
        ({"authorization": "Bearer writer", "cookie": "key=writer"}, 200),
        ({}, 401),
    ],
    ids=["token", "key in a header", "password", "cookie", "token and cookie", "nobody"],
)
def test_a_credential_that_browsers_add_needs_a_csrf_token(kind: str, headers: dict[str, Any], status: int) -> None:
    with configured(authmw={"auth": "tests.adapters.django.site.many"}):
        assert ask(kind, "/plain", method="POST", body=b"a=1", **headers).status == status
