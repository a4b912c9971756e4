"""Users of Django for principals: the default object, a backend for the table of users, and the choice between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable, signature
from typing import TYPE_CHECKING, Any, Final, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied

from authmw.errors import AuthmwError, StoreUnavailable
from authmw.identity.principal import Principal
from authmw.identity.requirement import Requirement

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

FindUser = Callable[..., Any]
"""A function of a principal that returns a user or None, sync or async; or the class of an authentication backend."""


class PrincipalUser:
    """The ``request.user`` of a caller who has no row in the table of users.

    It is authenticated if the principal is. It is never staff or superuser, and has no permission of Django: those
    are decided by scopes. Its primary key begins with ``principal:``, so that it is never that of a user in a table.

    Args:
        principal: the caller.

    >>> user = PrincipalUser(Principal("alice"))
    >>> user.username, user.is_authenticated, user.is_staff, user.pk
    ('alice', True, False, 'principal:alice')
    """

    is_staff: Final = False
    is_superuser: Final = False

    def __init__(self, principal: Principal) -> None:
        self.principal: Principal = principal
        """The caller."""

    def __str__(self) -> str:
        return self.principal.display_name

    def __repr__(self) -> str:
        return f"PrincipalUser({self.principal!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PrincipalUser):
            return NotImplemented
        return (self.principal.kind, self.principal.id) == (other.principal.kind, other.principal.id)

    def __hash__(self) -> int:
        return hash((self.principal.kind, self.principal.id))

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller is authenticated."""
        return self.principal.is_authenticated

    @property
    def is_anonymous(self) -> bool:
        """Whether the caller is not authenticated."""
        return not self.principal.is_authenticated

    @property
    def is_active(self) -> bool:
        """As `is_authenticated`."""
        return self.principal.is_authenticated

    @property
    def pk(self) -> str | None:
        """``principal:`` and the id; None for an anonymous caller."""
        return f"principal:{self.principal.id}" if self.principal.is_authenticated else None

    @property
    def id(self) -> str | None:
        """As `pk`."""
        return self.pk

    @property
    def username(self) -> str:
        """The id of the principal."""
        return self.principal.id

    def get_username(self) -> str:
        """The id of the principal."""
        return self.principal.id

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """False."""
        return False

    def has_perms(self, perm_list: Any, obj: object = None) -> bool:
        """Whether `perm_list` is empty."""
        return not list(perm_list)

    def has_module_perms(self, module: str) -> bool:
        """False."""
        return False

    def get_user_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()

    def get_group_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()

    def get_all_permissions(self, obj: object = None) -> set[str]:
        """None."""
        return set()


class UsernameBackend:
    """The active user whose username is the id of the principal: ``"user": "authmw_django.UsernameBackend"``.

    It creates no user, and finds none for a client that acts for itself. A principal without such a user is refused by
    a 403. Override `user_of` to look elsewhere.
    """

    def authenticate(self, request: HttpRequest | None, principal: Principal | None = None) -> AbstractBaseUser | None:
        """The user of `principal`; None if there is none."""
        if principal is None or principal.kind not in ("user", "api_key"):
            return None
        return self.user_of(principal)

    def user_of(self, principal: Principal) -> AbstractBaseUser | None:
        """The user in the table of users; None if there is none."""
        model = cast("Any", get_user_model())
        found: AbstractBaseUser | None = model._default_manager.filter(**{model.USERNAME_FIELD: principal.id}).first()
        # Some databases compare without case or accents: their `alice` is another one's principal `Alice`.
        return found if found is not None and found.get_username() == principal.id else None


class UserFinder:
    """Finds the user of a principal as ``AUTHMW`` says, and refuses users who may not be reached by a credential.

    Args:
        find: a function of a principal, or the class of a backend; None for `PrincipalUser`.
        path: its dotted path, which Django wants to know of a backend.
        staff: whether staff and superusers are let in.
    """

    def __init__(self, find: FindUser | None, *, path: str = "", staff: bool = False) -> None:
        self._find = None if find is None else _asking(find)
        self._path = path
        self._staff = staff

    @property
    def is_default(self) -> bool:
        """Whether no table is asked."""
        return self._find is None

    def find(self, principal: Principal, request: HttpRequest) -> Any:
        """The user of an authenticated principal; None if it may not come in.

        Raises:
            Unavailable: what finds it raised.
        """
        if self._find is None:
            return PrincipalUser(principal)
        try:
            user = self._find(principal, request)
            if isawaitable(user):
                user = async_to_sync(_awaited)(user)
        except Exception as error:
            return self._none_or_failure(error)
        return self._checked(user)

    async def find_async(self, principal: Principal, request: HttpRequest | None) -> Any:
        """As `find`, on an event loop."""
        if self._find is None:
            return PrincipalUser(principal)
        try:
            user = await sync_to_async(self._find, thread_sensitive=True)(principal, request)
            if isawaitable(user):
                user = await user
        except Exception as error:
            return self._none_or_failure(error)
        return self._checked(user)

    def _none_or_failure(self, error: Exception) -> None:
        if isinstance(error, PermissionDenied):  # the word of a backend for no
            return
        if isinstance(error, AuthmwError):
            raise error
        raise StoreUnavailable(f"{self._path or 'the function of a user'} raised {type(error).__name__}") from error

    def _checked(self, user: Any) -> Any:
        if user is None or not getattr(user, "is_authenticated", False) or getattr(user, "is_active", None) is not True:
            return None
        if not self._staff and (getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)):
            return None
        if self._path and not hasattr(user, "backend") and not isinstance(user, PrincipalUser):
            user.backend = self._path
        return user


def has_user_of_django(principal: object, request: object) -> bool:
    """False: what ``AUTHMW["user"]`` names finds no user who may come in."""
    return False


HAS_USER: Final = Requirement(predicates=(has_user_of_django,))
"""What a caller meets whom `UserFinder` finds a user for. It is asked where none is found."""


async def _awaited(user: Awaitable[Any]) -> Any:
    return await user


def _asking(find: FindUser) -> Callable[[Principal, HttpRequest | None], Any]:
    """A function of the principal and the request, for whatever finds the user."""
    if not hasattr(find, "authenticate"):
        return lambda principal, request: find(principal)
    backend: Any = find() if isinstance(find, type) else find
    takes = signature(backend.authenticate).parameters
    if "principal" in takes:
        return lambda principal, request: backend.authenticate(request, principal=principal)
    return lambda principal, request: backend.authenticate(request, remote_user=principal.id)
