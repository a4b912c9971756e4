"""Functions and backends that find users, as a project would write them."""

from __future__ import annotations

from typing import Any

from authmw_django import UsernameBackend

from authmw import Principal


def by_name(principal: Principal) -> Any:
    from django.contrib.auth.models import User

    return User.objects.filter(username=principal.id).first()


async def by_name_later(principal: Principal) -> Any:
    from django.contrib.auth.models import User

    return await User.objects.filter(username=principal.id).afirst()


def nobody(principal: Principal) -> None:
    return None


def anonymous(principal: Principal) -> Any:
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def truth(principal: Principal) -> Any:
    return True


def fails(principal: Principal) -> Any:
    raise OSError("the table is away")


def denies(principal: Principal) -> Any:
    from django.core.exceptions import PermissionDenied

    raise PermissionDenied


def by_scope(principal: Principal) -> Any:
    from django.contrib.auth.models import User

    return User(username=principal.id) if User.objects.count() >= 0 else None


class ByScope(UsernameBackend):
    """The user of a role."""

    def user_of(self, principal: Principal) -> Any:
        return by_name(Principal("clerk")) if principal.can("orders:read") else None


no_function = 7
