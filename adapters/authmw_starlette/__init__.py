"""authmw for starlette."""
