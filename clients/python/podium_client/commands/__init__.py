"""The subcommands of `podium` for callers: one module each, imported when used."""
