"""What an unknown argument is answered with: the line to write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authmw.errors import WrongArguments


def refuses_unknown_argument(make: Callable[..., object], line: str) -> None:
    """Check that `make` refuses an argument that it has not, and names `line` as the one to write."""
    with pytest.raises(WrongArguments) as raised:
        make(qqq=True)
    assert " has no argument qqq " in str(raised.value)
    assert str(raised.value).endswith(f": write {line}")
