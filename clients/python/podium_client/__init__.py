"""The Python client of podium, and the `podium` command."""
