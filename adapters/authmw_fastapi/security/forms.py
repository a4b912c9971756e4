"""Forms that clients post to get a token (RFC 6749), as dependencies of FastAPI."""

from typing import Annotated

from fastapi.param_functions import Form

__all__ = [
    "OAuth2ClientCredentialsRequestForm",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "OAuth2RefreshRequestForm",
]

_ClientId = Annotated[str | None, Form()]
_ClientSecret = Annotated[str | None, Form(json_schema_extra={"format": "password"})]


class OAuth2PasswordRequestForm:
    """A name and a password, posted as a form: ``form: Annotated[OAuth2PasswordRequestForm, Depends()]``.

    RFC 6749 §4.3.2. All arguments are read from the form. ``grant_type`` may be missing, which §4.3.2 does not allow;
    `OAuth2PasswordRequestFormStrict` requires it.

    Args:
        grant_type: ``password``, or nothing.
        username: the user's name.
        password: the password.
        scope: scopes, separated by spaces; as a list they are `scopes`.
        client_id: the client, unless it authenticates by a header.
        client_secret: its secret.

    >>> OAuth2PasswordRequestForm(username="alice", password="secret", scope="orders:read orders:write").scopes
    ['orders:read', 'orders:write']
    """

    def __init__(
        self,
        *,
        grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
        username: Annotated[str, Form()],
        password: Annotated[str, Form(json_schema_extra={"format": "password"})],
        scope: Annotated[str, Form()] = "",
        client_id: _ClientId = None,
        client_secret: _ClientSecret = None,
    ) -> None:
        self.grant_type = grant_type
        self.username = username
        self.password = password
        self.scopes: list[str] = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret


class OAuth2PasswordRequestFormStrict(OAuth2PasswordRequestForm):
    """`OAuth2PasswordRequestForm` that requires ``grant_type=password``, as RFC 6749 §4.3.2 does.

    Args:
        grant_type: ``password``.
        username: the user's name.
        password: the password.
        scope: scopes, separated by spaces; as a list they are `scopes`.
        client_id: the client, unless it authenticates by a header.
        client_secret: its secret.

    >>> OAuth2PasswordRequestFormStrict("password", "alice", "secret").username
    'alice'
    """

    def __init__(  # noqa: PLR0917 - as FastAPI's are
        self,
        grant_type: Annotated[str, Form(pattern="^password$")],
        username: Annotated[str, Form()],
        password: Annotated[str, Form()],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form()] = None,
    ) -> None:
        super().__init__(
            grant_type=grant_type,
            username=username,
            password=password,
            scope=scope,
            client_id=client_id,
            client_secret=client_secret,
        )


class OAuth2RefreshRequestForm:
    """A refresh token, posted as a form to get a new access token (RFC 6749 §6). FastAPI has no such class.

    Args:
        grant_type: ``refresh_token``.
        refresh_token: the refresh token.
        scope: fewer scopes than were granted, separated by spaces; as a list they are `scopes`.
        client_id: the client, unless it authenticates by a header.
        client_secret: its secret.

    >>> OAuth2RefreshRequestForm(grant_type="refresh_token", refresh_token="r3fresh").scopes
    []
    """

    def __init__(
        self,
        *,
        grant_type: Annotated[str, Form(pattern="^refresh_token$")],
        refresh_token: Annotated[str, Form(json_schema_extra={"format": "password"})],
        scope: Annotated[str, Form()] = "",
        client_id: _ClientId = None,
        client_secret: _ClientSecret = None,
    ) -> None:
        self.grant_type = grant_type
        self.refresh_token = refresh_token
        self.scopes: list[str] = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret


class OAuth2ClientCredentialsRequestForm:
    """A form by which a client asks for a token for itself (RFC 6749 §4.4.2). FastAPI has no such class.

    Args:
        grant_type: ``client_credentials``.
        scope: scopes, separated by spaces; as a list they are `scopes`.
        client_id: the client, unless it authenticates by a header.
        client_secret: its secret.

    >>> OAuth2ClientCredentialsRequestForm(grant_type="client_credentials", scope="orders:read").scopes
    ['orders:read']
    """

    def __init__(
        self,
        *,
        grant_type: Annotated[str, Form(pattern="^client_credentials$")],
        scope: Annotated[str, Form()] = "",
        client_id: _ClientId = None,
        client_secret: _ClientSecret = None,
    ) -> None:
        self.grant_type = grant_type
        self.scopes: list[str] = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret
