"""authmw for Django: middleware that makes responses of the refusals that views raise.

The middleware of `authmw.wsgi` or `authmw.asgi` stands around Django's handler, and this one inside of Django::

    MIDDLEWARE = [..., "authmw_django.RefusalMiddleware"]

    application = AuthMiddleware(get_wsgi_application(), auth)
"""

from typing import TYPE_CHECKING

try:
    import django as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_django needs Django: pip install "authmw[django]"') from _error

from authmw.errors import face
from authmw_django.middleware import RefusalMiddleware

__all__ = ["RefusalMiddleware"]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
