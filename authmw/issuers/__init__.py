"""Tokens of other issuers: what is fetched from them, and what is verified with it."""
