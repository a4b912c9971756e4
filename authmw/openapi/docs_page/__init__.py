"""The docs page: Swagger UI from an installed package, under a strict policy, at a path of your choice."""
