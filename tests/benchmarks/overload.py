"""What becomes of a server that is asked for four times what it can give: `python -m tests.benchmarks.overload`.

In each round the same server is measured at its peak, by as many callers as its queue has room for, and then overloaded
in three manners: requests come at four times the peak's rate and whoever is refused is gone; four times the callers
obey when they are told to come back; four times the callers insist and ask again at once. They send pictures, as files,
to `Classify`. The aims: 0.9 of the peak is accepted still, each refusal says when to come back, and nobody who is
accepted waits longer than the queue is.
"""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

import click
import numpy as np
from podium.v1 import classification_service_pb2, image_pb2
from podium_client import Client
from podium_client.images import encode_images

from tests.benchmarks.comparison import Ratio
from tests.benchmarks.offering import Manner, Taken
from tests.benchmarks.subjects import PodiumServer
from tests.benchmarks.worker import Worker

_TIMES = 4
_PEAK = "peak"
_PATH = "/podium.v1.ClassificationService/Classify"


class _Subject:
    """A server, and who loads it."""

    def __init__(self, server: PodiumServer, worker: Worker, request: Path, queue: int, seconds: float) -> None:
        self._worker, self._queue = worker, queue
        where = {"port": server.port, "pid": server.pid, "path": _PATH}
        self._usual = {**where, "request_file": str(request), "seconds": seconds}

    def peak(self) -> Taken:
        """What it can give."""
        return self._ask(Manner.INSISTING, callers=self._queue)

    def overloaded(self, manner: Manner, peak: Taken) -> Taken:
        """What it gives when it is asked for more."""
        if manner is Manner.GONE:
            return self._ask(manner, rate=_TIMES * peak.accepted_per_s)
        return self._ask(manner, callers=_TIMES * self._queue)

    def _ask(self, manner: Manner, **much: float) -> Taken:
        return Taken(**self._worker.ask({**self._usual, "manner": manner.value, **much}))


@click.command()
@click.option("--models", "repository", type=click.Path(path_type=Path), default=Path("models"), help="The repository.")
@click.option("--model", "names", multiple=True, default=("efficientnet-lite0", "digits"), show_default=True)
@click.option("--queue-rows", default=64, show_default=True, help="The server's queue, and the callers of its peak.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each measurement.")
def main(*, repository: Path, names: tuple[str, ...], queue_rows: int, rounds: int, seconds: float) -> None:
    """Measure a server at four times what it can give."""
    settings = (f"--queue-rows={queue_rows}", f"--max-images-per-request={queue_rows}")
    click.echo(
        "| model | load | sent/s | accepted/s | of peak | refused/s | failed | p50 ms | p99 ms | of the queue's |"
    )
    click.echo("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(closing(PodiumServer(repository, settings=settings)))
        worker = stack.enter_context(closing(Worker("tests.benchmarks.offering")))
        for name in names:
            (request := folder / name).write_bytes(_request(server, name))
            subject = _Subject(server, worker, request, queue_rows, seconds)
            found: dict[str, list[Taken]] = {}
            for _ in range(rounds):
                peak = subject.peak()
                found.setdefault(_PEAK, []).append(peak)
                for manner in Manner:
                    found.setdefault(manner.value, []).append(subject.overloaded(manner, peak))
            max_rows = queue_rows + server.rows_in_runs(name, "model")
            for load, taken in found.items():
                click.echo(_row(name, load, taken, found[_PEAK], max_rows))
            click.echo(f"{name}: {server.plan(name, 'model')}", err=True)


def _request(server: PodiumServer, name: str) -> bytes:
    """A call with one random picture of the network's own size, as a file."""
    with Client(f"127.0.0.1:{server.port}") as client:
        wanted = client.model(name).manifest.image_preprocessing
    channels = () if wanted.color_mode == image_pb2.COLOR_MODE_GRAY else (3,)
    shape = (wanted.height, wanted.width, *channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    request = classification_service_pb2.ClassifyRequest(model=name, images=encode_images([pixels]))
    return request.SerializeToString()


def _row(name: str, load: str, taken: list[Taken], peaks: list[Taken], max_rows: int) -> str:
    """A load's line: medians over the rounds; ratios are taken within a round."""
    of_peak = Ratio.of([each.accepted_per_s / peak.accepted_per_s for each, peak in zip(taken, peaks, strict=True)])
    # Who is admitted last has a full queue and full runs before it.
    of_bound = Ratio.of([each.p99_ms / (1e3 * max_rows / each.accepted_per_s) for each in taken])
    sent, accepted, refused, p50, p99 = (
        median(getattr(each, figure) for each in taken)
        for figure in ("sent_per_s", "accepted_per_s", "refused_per_s", "p50_ms", "p99_ms")
    )
    failed = sum(each.num_failed for each in taken)
    return (
        f"| {name} | {load} | {sent:,.0f} | {accepted:,.0f} | {of_peak} | {refused:,.0f} | {failed} | {p50:.1f} "
        f"| {p99:.1f} | {of_bound} |"
    )


if __name__ == "__main__":
    main()
