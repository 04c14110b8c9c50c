"""Where the server's time went, as its trailing metadata says."""

SERVER_TIMING = "server-timing"


def read_server_timing(value: str) -> dict[str, float]:
    """Read the durations of a Server-Timing header (W3C): `run;dur=1.25, queue;dur=0.1` in milliseconds, by name.

    Entries without a duration are left out.
    """
    durations: dict[str, float] = {}
    for entry in value.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, number = parameter.partition("=")
            if key == "dur":
                durations[name] = float(number)
    return durations
