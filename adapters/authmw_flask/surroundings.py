"""Flask's application context, around functions of the application that run in front of Flask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from flask import Flask, current_app, has_app_context


class ApplicationContext:
    """The context in which verifiers and stores of the application run: ``current_app`` and ``g`` are there.

    If a context of the same application is there already, as in a test or below another guarded application, it is
    used, as Flask does it. Otherwise a new one ends with the function, and then the functions of
    ``teardown_appcontext`` run.

    Args:
        app: the application.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    @property
    def debug(self) -> bool:
        """``app.debug``."""
        return self._app.debug

    def __call__(self) -> AbstractContextManager[object]:
        """The context in which one function runs."""
        if has_app_context() and current_app._get_current_object() is self._app:  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateUsage]  # Werkzeug documents it for use
            return nullcontext()
        return self._app.app_context()
