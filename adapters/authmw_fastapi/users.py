"""Dependency `CurrentUser`: the application's own user object of the caller."""

# Annotations are evaluated at once: FastAPI before 0.120 or so cannot resolve those of an instance that is called.

from inspect import Signature
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from authmw_starlette.dependencies import Asked, Gate
from fastapi import Depends
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

from authmw.engine.own_user import user_of
from authmw.identity.principal import Principal
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL
from authmw_fastapi.callers import call_by
from authmw_fastapi.gates import RequirementGate, nothing_authenticates

T = TypeVar("T")


class UserGate(Gate):
    """Requires a caller, and returns its user object. Two gates of one class are equal: FastAPI calls one of them.

    Args:
        kind: the class of the user object.
        optional: let a stranger pass, with None.
    """

    def __init__(self, kind: type[Any], *, optional: bool = False) -> None:
        self._kind = kind
        self._optional = optional
        self._gate = RequirementGate(OPTIONAL if optional else AUTHENTICATED)
        self.__signature__: Signature = self._gate.__signature__

    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """Authentication, and the scopes that dependencies in between declare."""
        return self._gate.asked(scopes)

    async def __call__(self, connection: HTTPConnection, principal: Principal, security_scopes: SecurityScopes) -> Any:
        """The user object of the caller."""
        await self._gate(connection, principal, security_scopes)
        if self._optional and not principal.is_authenticated:
            return None
        call = call_by(connection, None)
        if call is None:
            raise nothing_authenticates()
        return await user_of(call, principal, self._kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserGate) and (other._kind, other._optional) == (self._kind, self._optional)

    def __hash__(self) -> int:
        return hash((self._kind, self._optional))


if TYPE_CHECKING:
    CurrentUser = Annotated[T, "the user object of the caller"]
    OptionalUser = Annotated[T | None, "the user object of the caller, or None"]
else:

    class CurrentUser:
        """The user object of the caller: ``async def me(account: CurrentUser[Account])``.

        The caller has to be authenticated. ``Auth(load_user=...)`` loads the object, once in a request; see
        `authmw.current_user`. It may be ``def`` or ``async def``, and so may the endpoint.
        """

        def __class_getitem__(cls, kind: type[Any]) -> Any:
            return Annotated[kind, Depends(UserGate(kind))]

    class OptionalUser:
        """The user object of the caller, or None without credentials: ``account: OptionalUser[Account]``.

        As a parameter of an endpoint without other declarations it opens the endpoint, as `OptionalPrincipal` does. A
        caller whose user object is gone is refused.
        """

        def __class_getitem__(cls, kind: type[Any]) -> Any:
            return Annotated[kind | None, Depends(UserGate(kind, optional=True))]
