"""Protocols for the administration of stores: create, list, disable, revoke. The command line uses them too.

A user's id is the user name unless another one is given. Tokens, keys and the application's own tables refer to the
id. It never changes, and after a user is deleted nobody else gets it: an id never comes to mean another person. The
name is only what the user types at a login, and may be given to another user later. While a user is disabled, the keys
and tokens of that user are refused too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from authmw.errors import AuthmwError
from authmw.flow.durations import Seconds
from authmw.identity.principal import PrincipalKind
from authmw.stores.records import ApiKeyRecord, Client, ClientAuthMethod, TokenRecord, User

NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})
"""The attributes of a user that was created without any."""


class NotFound(AuthmwError, LookupError):
    """There is no such user, client, key or token."""

    is_answer = True


class AlreadyExists(AuthmwError, ValueError):
    """A user with that name or id, or a client with that id, exists already."""

    is_answer = True


class UserAdmin(Protocol):
    """Administration of users. Names are compared in NFC; case counts."""

    def create(
        self,
        username: str,
        password: str | None = None,
        *,
        id: str | None = None,
        scopes: Iterable[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        digest_realm: str | None = None,
        password_hash: str | None = None,
        email: str = "",
        email_verified: bool = False,
    ) -> User:
        """A new user.

        Args:
            username: what the user types at a login: 1 to 256 bytes without control characters or a colon.
            password: without one the user cannot log in by password.
            id: the principal's id; the user name unless given, or a random one if that was the id of a deleted user.
            scopes: what the user may do.
            attributes: JSON values, which become the principal's claims.
            digest_realm: keep an HA1 for this realm, so that the user can log in by Digest. Protect it like the
                password: for this realm it is equivalent to it (RFC 7616 §5.2).
            password_hash: instead of the password, a hash that another program made. The formats are those of
                `PasswordHasher`. It is replaced at the next login.
            email: where the user gets mail. It is no claim; ``attributes`` may have one.
            email_verified: the address is known to belong to the user.

        Raises:
            AlreadyExists: the name or the id is taken, or the id was that of a deleted user.
            ConfigurationError: the name, the password or a scope is not acceptable.
        """
        ...

    def list(self) -> tuple[User, ...]:
        """Every user, by name."""
        ...

    def disable(self, username: str) -> User:
        """Refuse the user, and the user's keys and tokens, from now on. Raises `NotFound`.

        The user's families and browser sessions end, and what is pending for the user is deleted.
        """
        ...

    def enable(self, username: str) -> User:
        """Undo `disable`. Raises `NotFound`."""
        ...

    def set_password(self, username: str, password: str, *, digest_realm: str | None = None) -> User:
        """Replace the password, and each HA1 that is kept for the user. Raises `NotFound`.

        Every family and browser session of the user ends, what is pending is deleted, and tokens issued until now are
        refused: a person who knew the old password may have logged in with it.
        """
        ...

    def set_scopes(self, username: str, scopes: Iterable[str]) -> User:
        """Replace what the user may do. Tokens and keys keep their own scopes. Raises `NotFound`."""
        ...

    def set_email(self, username: str, email: str, *, verified: bool = False) -> User:
        """Replace the address of the user; an empty one takes it away.

        What is pending for the user is deleted: a link that was mailed to the old address is worth nothing any more.

        Raises:
            NotFound: there is no such user.
            ConfigurationError: it is no address.
        """
        ...

    def delete(self, username: str) -> User:
        """Erase the user, with each HA1, and all keys, tokens, families and sessions of the user. Raises `NotFound`.

        What was issued is refused from now on, signed tokens too, as if the user had been disabled. The id is retired:
        no later user or client gets it, and only its SHA-256 is kept. A new user of the same name gets a random id, so
        it has nothing of the one who was deleted. Keys and tokens that are made for the retired id are revoked from the
        start.

        The revocations, which name the id, are kept until all that they refuse has expired.
        """
        ...

    def rename(self, username: str, new: str) -> User:
        """Give the user another name to log in with. The id stays, and so do the password, keys, tokens and families.

        Each HA1 is deleted, because it is a digest of the name too (RFC 7616 §3.4.2): ``set_password`` makes a new one.

        Args:
            username: the name until now.
            new: the new name.

        Raises:
            NotFound: there is no such user.
            AlreadyExists: another user has the new name, or another user or a client has it as id, and could be
                mistaken for this one.
            ConfigurationError: the new name is not acceptable.
        """
        ...

    def export(self, username: str) -> dict[str, Any]:
        """Everything that is kept about the user, as values of JSON, without secrets and digests. Raises `NotFound`.

        The document has ``user``, ``api_keys``, ``tokens``, ``sessions``, ``browser_sessions``, ``pending``,
        ``revocations`` and ``known_login_sources``, of the stores that belong together. Times are texts in UTC.
        """
        ...


class ApiKeyAdmin(Protocol):
    """Administration of API keys."""

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: Seconds | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, shown only now, and its record.

        Args:
            owner: the id of the principal that the key stands for. A user with that id need not exist.
            scopes: what the key may do.
            name: a label, chosen by the owner.
            lifetime: seconds; None for a key that does not expire.
        """
        ...

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all keys, oldest first."""
        ...

    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on. A second call changes nothing. Raises `NotFound`."""
        ...

    def rotate(self, key_id: str, *, overlap: Seconds = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key; the old one stays valid for `overlap` seconds. Raises `NotFound`, also when it is revoked."""
        ...


class TokenAdmin(Protocol):
    """Administration of opaque access tokens."""

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: Seconds = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, shown only now, and its record.

        Args:
            subject: the id of the principal.
            scopes: what the token allows.
            lifetime: seconds.
            kind: what the principal is.
            client_id: the OAuth client that acts.
        """
        ...

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all tokens, oldest first."""
        ...

    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on. A second call changes nothing. Raises `NotFound`."""
        ...


class ClientAdmin(Protocol):
    """Administration of OAuth clients."""

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
        """A new client and its secret, shown only now; None for a method without a secret.

        Args:
            id: the ``client_id``; a random one unless given.
            name: a label for people.
            auth_method: how it authenticates.
            jwks: its public keys, for ``private_key_jwt`` only.
            grant_types: the grants it may use. A public client has no ``client_credentials``.
            scopes: the scopes that it may be granted at most.
            audiences: the APIs whose tokens it may introspect.

        Raises:
            AlreadyExists: a client or a user has the id already.
            ConfigurationError: all mistakes in the arguments.
        """
        ...

    def list(self) -> tuple[Client, ...]:
        """Every client, by id."""
        ...

    def disable(self, client_id: str) -> Client:
        """Refuse the client and its tokens from now on. Ends its families. Raises `NotFound`."""
        ...

    def enable(self, client_id: str) -> Client:
        """Undo `disable`, except that its tokens and families stay refused. Raises `NotFound`."""
        ...

    def set_scopes(self, client_id: str, scopes: Iterable[str]) -> Client:
        """Replace the scopes that it may be granted. Tokens keep their own scopes. Raises `NotFound`."""
        ...

    def rotate_secret(self, client_id: str, *, overlap: Seconds = 0.0) -> tuple[str, Client]:
        """A new secret, shown only now; the older ones stay valid for `overlap` seconds. Raises `NotFound`."""
        ...
