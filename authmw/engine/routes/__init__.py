"""Routes of an application, each with what protects it."""
