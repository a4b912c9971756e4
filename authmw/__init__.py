"""Authentication and scopes for any WSGI or ASGI application."""
