"""View of the caller for templates and for code that was written for Flask-Login: the user object, then the principal.

The application's own user object comes first: an attribute that it has is that of the user. What it has not is that of
the principal. Without a caller, or without ``Auth(load_user=...)``, there is the principal alone.
"""

from __future__ import annotations

from typing import Any, Final, cast

from authmw.engine.context import Call, call_here
from authmw.engine.own_user import is_a_user
from authmw.errors import ConfigurationError
from authmw.http.reasons import Reason
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.verdict import Rejected

_MISSING: Final = object()


class UserView:
    """The caller of a request. To read an attribute that a caller may have raises nothing on a public page.

    Args:
        principal: the caller.
        own: the application's own user object; None if there is none.
        call: the request, to refuse a caller whose user object is gone; None outside of a request.

    >>> stranger = UserView(ANONYMOUS)
    >>> stranger.is_authenticated, stranger.is_anonymous, stranger.get_id()
    (False, True, None)
    """

    __slots__ = ("_call", "_own", "_principal")

    def __init__(self, principal: Principal, own: object = None, call: Call | None = None) -> None:
        self._principal = principal
        self._own = own
        self._call = call

    @classmethod
    def here(cls, *, load: bool = True) -> UserView:
        """The caller of the request that is being served here; anonymous outside of a request.

        A caller whose user object is gone is anonymous too, as in Flask-Login.

        Args:
            load: load the user object if it is not loaded yet. Without it, only one that is there is used.

        Raises:
            Unavailable: ``load_user`` raised.
            ConfigurationError: ``load_user`` is ``async def``, or would block the event loop.
        """
        call = call_here()
        if call is None:
            return cls(ANONYMOUS)
        principal, kept, loading = call.authentication.principal, call.own_user, call.auth.user_loading
        if kept is not None and kept[0] is principal:
            own = kept[1]
        elif loading is None or not load or not principal.is_authenticated or not is_a_user(principal, call.request):
            return cls(principal)
        else:
            own = loading.load(call, principal, "Account")
        return cls(principal, own) if own is not None else cls(ANONYMOUS, None, call)

    @classmethod
    def in_template(cls) -> UserView:
        """As `here`, for a template: on an event loop, only a user object that is loaded already is used."""
        try:
            return cls.here()
        except ConfigurationError:
            return cls.here(load=False)

    @property
    def behind(self) -> object:
        """The object that this stands for: the user object, or else the principal."""
        return self._principal if self._own is None else self._own

    @property
    def is_authenticated(self) -> bool:
        """Whether there is a caller."""
        return bool(getattr(self._own, "is_authenticated", self._principal.is_authenticated))

    @property
    def is_anonymous(self) -> bool:
        """Whether there is none."""
        return bool(getattr(self._own, "is_anonymous", not self._principal.is_authenticated))

    @property
    def is_active(self) -> bool:
        """Whether there is a caller whose user object does not say that it is inactive."""
        return bool(getattr(self._own, "is_active", self._principal.is_authenticated))

    def get_id(self) -> str | None:
        """What the user object says, or else the `id` of the principal; None without a caller."""
        own: Any = getattr(self._own, "get_id", None)
        if callable(own):
            return cast("str | None", own())
        return self._principal.id or None

    def __getattr__(self, name: str) -> Any:
        for each in (self._own, self._principal):
            found = _MISSING if each is None else getattr(each, name, _MISSING)
            if found is not _MISSING:
                return found
        call = self._call
        if call is not None and not name.startswith("__"):
            # The user is gone, and the credential is not: to go on would be an error of the application.
            rejected = Rejected(Reason.TOKEN_USER_GONE, f"load_user finds nobody, and {name} was read")
            raise call.refuse(call.auth.reject(call.authentication, rejected, call.request))
        raise AttributeError(f"neither the user object nor the principal has {name!r}")

    def __eq__(self, other: object) -> bool:
        return self.behind == (other.behind if isinstance(other, UserView) else other)

    def __hash__(self) -> int:
        return hash(self.behind)

    def __repr__(self) -> str:
        return repr(self.behind)
