"""OpenAPI documents of Flask applications: a whole one, or security for the one that an extension makes."""
