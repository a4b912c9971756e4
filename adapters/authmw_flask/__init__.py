"""authmw for flask."""
