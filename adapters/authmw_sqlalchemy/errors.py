"""Translation of a database's exceptions to `StoreUnavailable`: a 503, with no stored value in its text."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from authmw.errors import StoreUnavailable


@contextmanager
def as_unavailable(*driver: type[Exception]) -> Generator[None, None, None]:
    """Turn exceptions of SQLAlchemy and of a `driver` into `StoreUnavailable`. Its ``__cause__`` is the driver's."""
    try:
        yield
    except driver as error:
        raise unavailable(error) from error
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise unavailable(cause) from cause


def unavailable(error: BaseException) -> StoreUnavailable:
    """The `StoreUnavailable` for a driver's exception. It names only the type: the text may quote stored values."""
    return StoreUnavailable(f"the database raised {type(error).__name__}")
