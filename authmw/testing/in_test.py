"""The check in front of everything that a test kit replaces in a program: that a test runs."""

from __future__ import annotations

import os

from authmw.errors import ConfigurationError


def check_in_test() -> None:
    """Return only in a test that pytest runs, and never where the environment says that this is production.

    Raises:
        ConfigurationError: no test runs, or ``AUTHMW_ENV`` is ``production``.
    """
    if os.environ.get("AUTHMW_ENV", "").strip().lower() == "production":
        raise ConfigurationError(
            "AUTHMW_ENV is production, where the test kit replaces nothing: unset AUTHMW_ENV in the tests"
        )
    if "PYTEST_CURRENT_TEST" not in os.environ:  # pytest sets it during the set-up, the call and the end of each test
        raise ConfigurationError("the test kit replaces nothing outside of a test: ask for its fixtures in a test")
