"""What people do with stores: create, list, disable, revoke. The same verbs on every store, for the command line too.

A user's id is the user name unless another is given. It is what tokens, keys and the application's own tables refer
to, and it never changes; the name is only what is typed at a login. So that an id never comes to mean somebody else,
users are disabled and not deleted, and while a user is disabled, that user's keys and tokens are refused too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from authmw.errors import AuthmwError
from authmw.identity.principal import PrincipalKind
from authmw.stores.records import ApiKeyRecord, Client, ClientAuthMethod, TokenRecord, User

NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})
"""The attributes of a user of whom nothing more is known."""


class NotFound(AuthmwError, LookupError):
    """There is no such user, client, key or token."""


class AlreadyExists(AuthmwError, ValueError):
    """There is a user of that name or id, or a client of that id, already."""


class UserAdmin(Protocol):
    """Managing users. Names are compared in NFC, case counts."""

    def create(
        self,
        username: str,
        password: str | None = None,
        *,
        id: str | None = None,
        scopes: Iterable[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        digest_realm: str | None = None,
    ) -> User:
        """A new user.

        Args:
            username: what is typed at a login: 1 to 256 bytes without control characters or a colon.
            password: without one the user cannot log in by password.
            id: the principal's id; the user name unless given.
            scopes: what the user may do.
            attributes: JSON values, which become the principal's claims.
            digest_realm: keep an HA1 for this realm, so that the user can log in by Digest. It is equivalent to the
                password for that realm (DIG-8).

        Raises:
            AlreadyExists: the name or the id is taken.
            ConfigurationError: the name, the password or a scope is not acceptable.
        """
        ...

    def list(self) -> tuple[User, ...]:
        """Every user, by name."""
        ...

    def disable(self, username: str) -> User:
        """Refuse the user from now on, with keys and tokens. Ends every family of the user. Raises `NotFound`."""
        ...

    def enable(self, username: str) -> User:
        """Undo `disable`. Raises `NotFound`."""
        ...

    def set_password(self, username: str, password: str, *, digest_realm: str | None = None) -> User:
        """Replace the password, and the HA1 of every realm there is one for. Raises `NotFound`.

        Every family of the user ends, and what was issued until now is refused: who has had the old password may
        have logged in by it.
        """
        ...

    def set_scopes(self, username: str, scopes: Iterable[str]) -> User:
        """Replace what the user may do. Tokens and keys keep their own scopes. Raises `NotFound`."""
        ...


class ApiKeyAdmin(Protocol):
    """Managing API keys."""

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: float | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, told this once, and its record.

        Args:
            owner: the id of the principal the key stands for; it need not be a user's.
            scopes: what the key may do.
            name: what its owner calls it.
            lifetime: seconds; None for a key that does not expire.
        """
        ...

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all, oldest first."""
        ...

    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on. Again is no harm. Raises `NotFound`."""
        ...

    def rotate(self, key_id: str, *, overlap: float = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key in the place of one that goes on for `overlap` seconds. Raises `NotFound` for a revoked one."""
        ...


class TokenAdmin(Protocol):
    """Managing opaque access tokens."""

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: float = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, told this once, and its record.

        Args:
            subject: the id of the principal.
            scopes: what the token allows.
            lifetime: seconds.
            kind: what the principal is.
            client_id: the OAuth client that acts.
        """
        ...

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all, oldest first."""
        ...

    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on. Again is no harm. Raises `NotFound`."""
        ...


class ClientAdmin(Protocol):
    """Managing OAuth clients."""

    def create(
        self,
        id: str | None = None,
        *,
        name: str = "",
        auth_method: ClientAuthMethod = "client_secret_basic",
        jwks: Mapping[str, Any] | None = None,
        grant_types: Iterable[str] = ("client_credentials",),
        scopes: Iterable[str] = (),
        audiences: Iterable[str] = (),
    ) -> tuple[str | None, Client]:
        """A new client, and its secret, told this once; None where the method has none.

        Args:
            id: the ``client_id``; a random one unless given.
            name: what people call it.
            auth_method: how it authenticates.
            jwks: its public keys, for ``private_key_jwt`` and only for that.
            grant_types: the grants it may use. A public client has no ``client_credentials``.
            scopes: the most that it is granted.
            audiences: the APIs whose tokens it may introspect.

        Raises:
            AlreadyExists: the id is a client's or a user's already.
            ConfigurationError: everything that is wrong with the arguments.
        """
        ...

    def list(self) -> tuple[Client, ...]:
        """Every client, by id."""
        ...

    def disable(self, client_id: str) -> Client:
        """Refuse the client and its tokens from now on. Ends every family of it. Raises `NotFound`."""
        ...

    def enable(self, client_id: str) -> Client:
        """Undo `disable`, but for the tokens and families. Raises `NotFound`."""
        ...

    def set_scopes(self, client_id: str, scopes: Iterable[str]) -> Client:
        """Replace what it may be granted. Tokens keep their own scopes. Raises `NotFound`."""
        ...

    def rotate_secret(self, client_id: str, *, overlap: float = 0.0) -> tuple[str, Client]:
        """A new secret, told this once, while the older ones go on for `overlap` seconds. Raises `NotFound`."""
        ...
