"""Fetching of issuers' documents over HTTPS, bounded in size and time."""
