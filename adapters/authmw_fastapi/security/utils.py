"""Function of `fastapi.security.utils`, for programs that read ``Authorization`` themselves."""

from authmw_fastapi.security.reading import split

__all__ = ["get_authorization_scheme_param"]


def get_authorization_scheme_param(authorization_header_value: str | None) -> tuple[str, str]:
    """The scheme, and the text after it. Both are empty without a header, and for a header that has to be refused.

    Args:
        authorization_header_value: the value of ``Authorization`` (RFC 9110 §11.6.2).

    >>> get_authorization_scheme_param("Bearer t0ken")
    ('Bearer', 't0ken')
    >>> get_authorization_scheme_param("Bearer t0ken, Bearer other")
    ('', '')
    """
    presented = split(authorization_header_value or "")
    return ("", "") if presented is None else (presented.scheme, presented.value)
