"""Login pages of a service that logs its own users in."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from authmw.errors import ConfigurationError
from authmw.http.location import Location
from authmw.local.own_session import LoopbackSession
from authmw.local.settings import LocalSettings
from authmw.login.options import LoginOptions
from authmw.login.service import LoginPages
from authmw.oauth2.service import TokenService
from authmw.schemes.session import Session


def session_of(tokens: TokenService, stores: object, settings: LocalSettings) -> Session:
    """The scheme of the sessions of browsers, on the feed of the token service.

    The pages have the origin of the issuer. Chromium says no more than that of what opens a websocket.
    """
    if "issuer" in settings.assumed:
        return LoopbackSession(stores, revocations=tokens.feed, name=Session.__name__)
    return Session(stores, origins=[Location.of(settings.issuer).base], revocations=tokens.feed)


def login_pages(given: object, session: Session, stores: object, settings: LocalSettings) -> LoginPages:
    """The pages.

    Args:
        given: the argument ``pages``: True, or `LoginOptions`.
        session: the scheme.
        stores: the stores.
        settings: of the service.

    Raises:
        ConfigurationError: every mistake at once.
    """
    if given is not True and not isinstance(given, LoginOptions):
        raise ConfigurationError(f"pages={given!r}: write pages=True, or pages=LoginOptions(look=..., send_mail=...)")
    options = given if isinstance(given, LoginOptions) else LoginOptions()
    is_assumed = "issuer" in settings.assumed
    if options.send_mail is not None and is_assumed:
        raise ConfigurationError(
            'send_mail= needs issuer=, which links in mails begin with: issuer="https://shop.example/auth"'
        )
    values: dict[str, Any] = {each.name: getattr(options, each.name) for each in fields(options)}
    return LoginPages(session, stores, public_url="" if is_assumed else settings.issuer, **values)
