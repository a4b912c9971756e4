"""One migration a file, each small and reversible."""
