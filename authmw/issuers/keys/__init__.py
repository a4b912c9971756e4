"""Keys of issuers: fetched, cached, and chosen for a token."""
