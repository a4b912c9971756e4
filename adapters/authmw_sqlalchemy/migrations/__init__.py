"""Alembic migrations of the tables. `authmw_sqlalchemy.schema` runs them; they need no ``env.py``."""
