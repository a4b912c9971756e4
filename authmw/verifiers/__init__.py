"""Verifiers of local credentials, and their common parts: from credentials to a verdict."""
