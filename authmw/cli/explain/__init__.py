"""Command ``authmw explain``: what a refusal code means, and what would be decided about a request."""
