"""Why a server does not start."""


class StartError(Exception):
    """The server cannot start; the message names the setting, what is wrong, and what would be right."""
