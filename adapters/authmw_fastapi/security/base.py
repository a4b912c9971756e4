"""Base classes of the security schemes: FastAPI's class, and the class that all schemes of this package extend.

No module of this package postpones the evaluation of annotations: older releases of FastAPI cannot resolve the
annotations of an instance that is used as a dependency.
"""

from abc import abstractmethod

from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException

__all__ = ["Scheme", "SecurityBase"]


class Scheme(SecurityBase):
    """A dependency that FastAPI documents under `scheme_name`. Without credentials it refuses, or returns None.

    Args:
        scheme_name: the key in the OpenAPI document; the class's name by default.
        auto_error: whether a request without credentials is refused; otherwise it is given None.
    """

    def __init__(self, *, scheme_name: str | None, auto_error: bool) -> None:
        self.scheme_name: str = scheme_name or self.__class__.__name__
        self.auto_error: bool = auto_error

    @abstractmethod
    def make_not_authenticated_error(self) -> HTTPException:
        """The exception to raise without credentials: 401 with a challenge, unless a subclass changes it."""

    def _go_without(self) -> None:
        """Refuse the request, unless credentials are optional."""
        if self.auto_error:
            raise self.make_not_authenticated_error()
