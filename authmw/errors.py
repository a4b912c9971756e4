"""What authmw raises.

::

    AuthmwError
    ├── ConfigurationError     a mistake in the set-up; raised at construction, with its fix in the sentence
    ├── FlowError              a flow or a store was written wrongly; always fails closed
    ├── Unavailable            something that was asked cannot answer now; becomes a 503
    │   ├── StoreUnavailable   a store raised or timed out
    │   └── Overloaded         every slot for password hashing is taken and the queue is full
    └── AccessRefused          a requirement was not met below the middleware; becomes a 401 or 403
                               (`authmw.http.refusal`, since it carries the refusal)

A bad credential is none of these: what happens to a request is a value (`authmw.identity.verdict`), not an exception.
"""

from __future__ import annotations


class AuthmwError(Exception):
    """The root of everything authmw raises."""


class ConfigurationError(AuthmwError, ValueError):
    """A mistake in the set-up. The message names each mistake and its fix, one a line."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class FlowError(AuthmwError, RuntimeError):
    """A flow or a store was written wrongly: a forgotten ``yield from``, a coroutine under WSGI."""


class Unavailable(AuthmwError):
    """Something that was asked cannot answer now. The middleware answers 503 with ``Retry-After``."""

    retry_after: int = 5
    """Seconds after which the client may try again."""


class StoreUnavailable(Unavailable):
    """A store raised instead of answering. Its own exception is the ``__cause__``."""


class Overloaded(Unavailable):
    """Every slot for password hashing is taken and as many more wait as may."""

    retry_after = 1
