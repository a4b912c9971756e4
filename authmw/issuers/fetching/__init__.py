"""Fetching: documents of issuers over HTTPS, bounded in size and time."""
