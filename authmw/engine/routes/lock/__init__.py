"""Lock on access: what protects each route, as a text that a pull request shows, and how an application differs."""
