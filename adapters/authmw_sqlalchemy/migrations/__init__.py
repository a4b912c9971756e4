"""The migrations of our tables, for Alembic. `authmw_sqlalchemy.schema` runs them; they need no ``env.py``."""
