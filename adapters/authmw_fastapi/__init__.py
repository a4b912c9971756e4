"""authmw for FastAPI: what is enforced is what the OpenAPI document says."""

try:
    import fastapi as _  # noqa: F401 - only whether it is there
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_fastapi needs FastAPI: pip install "authmw[fastapi]"') from _error
