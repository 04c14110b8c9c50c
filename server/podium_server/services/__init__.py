"""What callers reach: one module a service. Each turns messages into calls of the catalogue's batchers and back."""
