"""`Local`: the stores, keys, token service and `Auth` of a service that logs its own users in."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from authmw.crypto.keyring import ENVIRONMENT, KeyRing
from authmw.engine.auth import Auth
from authmw.engine.routes.frameworks import inwards
from authmw.engine.user_loading import LoadUser
from authmw.errors import ConfigurationError
from authmw.local.databases import open_stores
from authmw.local.settings import MOUNT, LocalSettings, creates_files, is_missing, without_secrets
from authmw.oauth2.service import TokenService
from authmw.schemes.api_key import APIKeyHeader
from authmw.schemes.base import SecurityScheme
from authmw.schemes.http_basic import HTTPBasic
from authmw.schemes.oauth2 import OAuth2PasswordBearer
from authmw.stores.ports import ApiKeyStore
from authmw.stores.stores import Stores
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.password import PasswordVerifier

if TYPE_CHECKING:
    from authmw.login.options import LoginOptions
    from authmw.login.service import LoginPages

logger: Final = logging.getLogger("authmw.local")

_locals: Final[WeakKeyDictionary[object, Local]] = WeakKeyDictionary()
"""Application → its set-up, for the command."""


class Local:
    """A service that logs its own users in: users in a database, keys in a file, a token service, and an `Auth`.

    The `Auth` takes an access token of the token service, a user name and password (Basic), or an API key in the header
    ``X-API-Key``; with `pages`, a browser session in place of Basic. `LocalAuth` of an adapter puts it around an
    application; for another framework, give `auth` to its middleware and serve `tokens` and `pages` at ``/auth``.

    Args:
        settings: where the users and the keys are, and what tokens say; `LocalSettings.read()` unless given.
        scopes: the scopes of the application, each with its meaning in words.
        load_user: returns the user object of the application, as for `Auth`.
        pages: True for pages to log in and out, below ``/auth``, or their `LoginOptions`. Who opens a page without a
            session is sent to ``/auth/login``.
        asynchronous: whether the application runs on an event loop.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.
    """

    def __init__(
        self,
        settings: LocalSettings | None = None,
        *,
        scopes: Mapping[str, str] | None = None,
        load_user: LoadUser | None = None,
        pages: bool | LoginOptions = False,
        asynchronous: bool = False,
    ) -> None:
        self.settings: LocalSettings = settings or LocalSettings.read()
        self._opened, keys = _opened(self.settings, asynchronous)
        stores: Any = self._opened[0] if len(self._opened) == 1 else Stores.of(*self._opened)
        self.stores: Any = stores
        """The stores, as `SQLStores` has them; with a Redis, a `Stores` of both."""
        self.keys: KeyRing = keys
        """The keys that sign access tokens."""
        self.tokens: TokenService = TokenService(
            issuer=self.settings.issuer,
            audience=self.settings.audience,
            stores=stores,
            keys=keys,
            password=True,
            scopes=scopes,
            realm=self.settings.realm,
        )
        """The token service, to be served at ``/auth``."""
        self.pages: LoginPages | None = None
        """The login pages, to be served at ``/auth`` too; None without them."""
        self.auth: Auth = Auth(
            OAuth2PasswordBearer(f"{MOUNT.strip('/')}/token", self.tokens.verifier())
            | self._for_people(pages)
            | APIKeyHeader("X-API-Key", ApiKeyVerifier(cast("ApiKeyStore", stores.keys), revocations=self.tokens.feed)),
            realm=self.settings.realm,
            scopes=scopes,
            load_user=load_user,
            login=f"{MOUNT}/login" if pages else None,
            render=getattr(self.pages, "body_of", None),
        )
        """Verifies the callers of the application."""
        database, path = self.settings.places()
        logger.info("users are in %s, and keys in %s", without_secrets(database), path)

    def _for_people(self, pages: bool | LoginOptions) -> SecurityScheme[Any]:
        """How people in browsers are known: by a session, or else by Basic.

        Not by both: at a challenge for Basic a browser asks for the password in a window of its own, also when a
        script of a page has met it.
        """
        tokens = self.tokens
        if pages is False:
            return HTTPBasic(PasswordVerifier(tokens.users, throttle=tokens.throttle, revocations=tokens.feed))
        from authmw.local.pages import login_pages, session_of  # pages are loaded where there are some

        session = session_of(tokens, self.stores, self.settings)
        self.pages = login_pages(pages, session, self.stores, self.settings)
        return session

    def close(self) -> None:
        """Close every connection of blocking stores. A store that is used again opens new ones."""
        for each in self._opened:
            each.close()

    async def aclose(self) -> None:
        """Close every connection, on the event loop that used the stores."""
        for each in self._opened:
            if hasattr(each, "aclose"):
                await each.aclose()
            else:
                each.close()

    def belongs_to(self, app: object) -> None:
        """Let `local_of` find this set-up by the application."""
        _locals[app] = self


def local_of(app: object) -> Local | None:
    """The set-up that `LocalAuth` made for `app`, which may be wrapped in middleware, or None."""
    try:
        for each in inwards(app):
            if (found := _locals.get(each)) is not None:
                return found
    except (ConfigurationError, TypeError):  # no framework that an adapter knows; not hashable
        pass
    return None


def _opened(settings: LocalSettings, asynchronous: bool) -> tuple[list[Any], KeyRing]:
    """The stores of the database and of Redis, and the keys.

    Raises:
        ConfigurationError: what is wrong with each, at once.
    """
    stores: list[Any] = []
    keys: KeyRing | None = None
    mistakes: list[str] = []
    try:
        if creates_files() or not is_missing(settings.database):
            stores.append(open_stores(settings.database, asynchronous=asynchronous))
        else:
            mistakes.append(
                f"{ENVIRONMENT}=production: there is no database {settings.database}: create it by `authmw db upgrade`"
            )
        if stores and settings.redis is not None:
            # Asynchronous stores do not stand beside blocking ones, and those of SQLite are blocking.
            stores.append(open_stores(settings.redis, asynchronous=hasattr(stores[0], "aclose")))
    except ConfigurationError as error:
        mistakes += error.mistakes
    try:
        keys = KeyRing.load(settings.keys, create=creates_files())
    except ConfigurationError as error:
        mistakes += error.mistakes
    if keys is None or mistakes:
        raise ConfigurationError(*mistakes)
    return stores, keys
