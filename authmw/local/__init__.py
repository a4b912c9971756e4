"""Set-up of a service that logs its own users in, from settings, without a framework: the half of `LocalAuth`."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.local.local import Local
    from authmw.local.settings import LocalSettings

__all__ = ["Local", "LocalSettings"]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    # An adapter reads the names of the settings, and only LocalAuth needs the rest.
    __getattr__, __dir__ = face(__name__, {"local.local": "Local", "local.settings": "LocalSettings"})
