"""Texts of the pages and mails, a file per language."""
