"""Caller of a request that Flask preserves: in ``copy_current_request_context``, and in ``with client:`` of a test.

Flask keeps a request in a context variable of its own, and passes on a copy where the program asks for it. Elsewhere
the variable may be left over, and there is no caller: in a worker that copied all context variables of a request, in
the server's context while a stream waits for its next chunk (its generator shares that context), and in code that runs
after either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Flask, has_request_context
from flask.ctx import RequestContext
from flask.globals import request_ctx

from authmw.engine.authentication import Authentication
from authmw.engine.context import Call
from authmw.engine.guard import GuardSettings
from authmw.http.request import WSGIRequest
from authmw.identity.principal import Principal
from authmw_flask.replaced_methods import Method, replace_method

request_context: Callable[[], RequestContext] = request_ctx._get_current_object  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateUsage]  # Werkzeug documents it for use
"""The context of Flask's request that is served here. It is asked twice in each request, so it is no `LocalProxy`."""
_SERVES: Final = "authmw_serves"
"""The attribute of the context in which a request is served. A copy of that context has none."""
_PRESERVED: Final = "werkzeug.debug.preserve_context"
"""The key that Flask's test client puts into the environ in a ``with`` block."""


def mark_contexts(app: Flask) -> None:
    """Make `app` note in Flask's context that a request is served, before it calls functions of the application."""

    def marking(preprocess: Method) -> Method:
        def preprocess_request(*args: Any) -> Any:
            setattr(request_context(), _SERVES, True)
            return preprocess(*args)

        return preprocess_request

    replace_method(app, "preprocess_request", marking)


def kept_call(ended: object) -> Call | None:
    """The request of a guarded application that Flask keeps here on purpose; None if it is only left over.

    Args:
        ended: the call of this context that has ended, or None.
    """
    if not has_request_context():
        return None
    context = request_context()
    if not getattr(context, "_cv_tokens", True):
        return None  # popped already: a worker that was started below it still has it in its context variables
    environ = context.request.environ
    if getattr(context, _SERVES, False) and (ended is not None or _PRESERVED not in environ):
        return None
    principal, settings = environ.get("authmw.principal"), context.app.extensions.get("authmw")
    if not isinstance(principal, Principal) or not isinstance(settings, GuardSettings):
        return None
    return Call(settings.auth, Authentication(principal), WSGIRequest(environ))
