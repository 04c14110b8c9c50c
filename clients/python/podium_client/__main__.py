"""`python -m podium_client` is `podium`."""

from podium_client.main import main

main(prog_name="podium")
