"""What a database raises, as what a store raises: no parameter in it, and a 503 in the end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from authmw.errors import StoreUnavailable


@contextmanager
def as_unavailable(*driver: type[Exception]) -> Generator[None, None, None]:
    """Raise `StoreUnavailable` for what SQLAlchemy raises, or a `driver`; the driver's own is the ``__cause__``."""
    try:
        yield
    except driver as error:
        raise unavailable(error) from error
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise unavailable(cause) from cause


def unavailable(error: BaseException) -> StoreUnavailable:
    """The failure to raise for what a driver raised. Only its type is told: its words may quote what is stored."""
    return StoreUnavailable(f"the database raised {type(error).__name__}")
