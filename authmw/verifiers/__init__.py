"""Verifiers: from credentials to a verdict, one file each."""
