"""How the application is guarded that a document is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.errors import ConfigurationError
from authmw_flask.listing import guarded_in

if TYPE_CHECKING:
    from flask import Flask

    from authmw.engine.guard import Guarded


def checked_guarded(app: Flask) -> Guarded:
    """How `app` is guarded.

    Raises:
        ConfigurationError: it is not.
    """
    guarded = guarded_in(app)
    if guarded is None:
        raise ConfigurationError(
            f"nothing guards {app.name}, so no document can say what is enforced: call FlaskAuth(app, auth) first"
        )
    return guarded
