"""authmw for sqlalchemy."""
