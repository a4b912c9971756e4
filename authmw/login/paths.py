"""Paths of the login pages, below that of their mount."""

from __future__ import annotations

from typing import Final

MAILED: Final = ("/forgotten", "/reset", "/verify")
"""The pages that are there where mails are sent."""
PATHS: Final = ("/login", "/login/step", "/logout", "/password", *MAILED, "/sessions", "/sessions/end-all")
"""Every page. Adapters find by them which requests are for a view that looks at the session itself."""
