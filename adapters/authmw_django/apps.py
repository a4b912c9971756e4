"""Application of Django, for ``INSTALLED_APPS``: it registers the checks of the settings."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from authmw_django.checks import check_settings


class AuthmwConfig(AppConfig):
    """``INSTALLED_APPS = [..., "authmw_django"]``."""

    name = "authmw_django"
    label = "authmw"

    def ready(self) -> None:
        """Register the checks."""
        register(check_settings, Tags.security)
