"""Migrations, one in each file, small and reversible."""
