"""Verifiers: they turn credentials into a verdict. One file each."""
