"""A package with a step graph becomes something that writes, or a reason why not."""

import threading
from pathlib import Path

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_server.errors import NotReady, Unsupported
from podium_server.generation.job import Finish, SampleJob, Sampling, Start
from podium_server.graph_loader import step_digest
from podium_server.metrics import Metrics
from podium_server.oip.description import configure, describe
from podium_server.oip.statistics import count
from podium_server.package import Package, PackageError
from podium_server.version_entry import VersionState
from prometheus_client import generate_latest

from tests.server.conftest import MakeCatalogue, MakeLoader
from tests.server.generation.networks import attentive_gru, lstm
from tests.server.generation.plain import PlainLoop, all_of, begin
from tests.server.generation.step_packages import mixing, write_step_package

SAMPLING = Sampling(temperature=0.8)


async def test_package_with_a_step_graph_writes(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Its step graph has a generator and no batcher, and what it writes is a plain loop's."""
    network = lstm(end_ids=[3])
    servable = await make_loader(max_batch_rows=None).load("verse", 1, write_step_package(tmp_path / "1", network))
    assert servable.generator is not None
    assert dict(servable.batchers) == {}
    job = SampleJob(Start(np.array([1, 2, 3])), SAMPLING, 30, seed=5)
    text = await all_of(begin(servable.generator, job))
    await servable.close()
    assert text.token_ids == PlainLoop(network).write(job).token_ids
    assert servable.plans["step"].source == "measured"
    assert servable.plans["step"].max_batch_rows >= 1


async def test_encoder_is_batched_as_any_graph_and_feeds_the_steps(tmp_path: Path, make_loader: MakeLoader) -> None:
    """What the batcher gives for one source is what its sequence is written with."""
    network = attentive_gru()
    servable = await make_loader().load("pair", 1, write_step_package(tmp_path / "1", network))
    assert list(servable.batchers) == ["encoder"]
    assert sorted(servable.plans) == ["encoder", "step"]
    run = await servable.batchers["encoder"].run((np.array([[1, 2, 3, 4, 5]]),))
    rows = {"memory": np.ascontiguousarray(run.outputs[0])}
    job = SampleJob(Start(np.array([1]), rows), SAMPLING, 12, seed=1)
    assert servable.generator is not None
    text = await all_of(begin(servable.generator, job))
    await servable.close()
    assert text.token_ids == PlainLoop(network, rows).write(job).token_ids


async def test_rows_at_once_are_remembered_or_the_operators(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Measured once for each file and way of feeding it."""
    path = write_step_package(tmp_path / "1", lstm())
    seen: list[tuple[str, int]] = []
    for rows in (None, None, 7):
        servable = await make_loader(max_batch_rows=rows).load("verse", 1, path)
        await servable.close()
        seen.append((servable.plans["step"].source, servable.plans["step"].max_batch_rows))
    assert [source for source, _ in seen] == ["measured", "remembered", "configured"]
    assert seen[0][1] == seen[1][1]
    assert seen[2][1] == 7


async def test_rows_that_change_one_another_are_refused(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Sequences could not be written together; remembered or not."""
    path = write_step_package(tmp_path / "1", mixing())
    for _ in range(2):
        with pytest.raises(PackageError, match="rows of one run change one another's answers"):
            await make_loader().load("mixing", 1, path)


async def test_golden_examples_of_the_step_graph_are_replayed(tmp_path: Path, make_loader: MakeLoader) -> None:
    """As those of any graph."""
    path = write_step_package(tmp_path / "1", lstm(), spoil_golden=True)
    with pytest.raises(PackageError, match="golden example 0, graph 'step', output 'logits'"):
        await make_loader().load("verse", 1, path)


async def test_generation_without_a_step_graph_is_refused(tmp_path: Path, make_loader: MakeLoader) -> None:
    """The message names the field."""
    network = lstm()
    renamed = pb.Graph()
    renamed.CopyFrom(network.manifest.graphs[0])
    renamed.name = "model"
    path = write_step_package(tmp_path / "1", network, graphs=[renamed])
    with pytest.raises(PackageError, match="generation: needs a graph named 'step'; `graphs` has 'model'"):
        await make_loader().load("verse", 1, path)


async def test_open_inference_protocol_says_whom_to_call(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Metadata and configuration are refused with the way out; statistics count steps."""
    servable = await make_loader().load("verse", 1, write_step_package(tmp_path / "1", lstm()))
    for ask in (lambda: describe(servable, [1]), lambda: configure(servable)):
        with pytest.raises(Unsupported, match="call the service of its task"):
            ask()
    assert servable.generator is not None
    await all_of(begin(servable.generator, SampleJob(Start(np.arange(8)), SAMPLING, 4, seed=0)))
    await servable.close()
    statistics = count(servable)
    assert statistics.execution_count == statistics.inference_count == 1 + 3  # the prompt, and three steps


async def test_unloading_ends_what_takes_longer_than_the_drain(
    repository: Path, make_catalogue: MakeCatalogue, metrics: Metrics
) -> None:
    """The sequence ends as it stands, nothing new is taken, no thread and no gauge is left."""
    before = {thread for thread in threading.enumerate() if thread.name == "generator"}
    write_step_package(repository / "verse" / "1", lstm())
    catalogue = make_catalogue(drain_s=0.05)
    await catalogue.start()
    generator = catalogue.resolve("verse").generator
    assert generator is not None
    ongoing = begin(generator, SampleJob(Start(np.array([1])), SAMPLING, 10**9, seed=0))
    await ongoing.gather()
    assert 'podium_sequences_running{model="verse",version="1"} 1.0' in generate_latest(metrics.registry).decode()
    await catalogue.unload("verse")
    text = await all_of(ongoing)
    assert text.finish is Finish.CANCELLED
    assert catalogue.entry("verse", 1).state is VersionState.UNAVAILABLE
    with pytest.raises(NotReady):
        begin(generator, SampleJob(Start(np.array([1])), SAMPLING, 1, seed=0))
    assert {thread for thread in threading.enumerate() if thread.name == "generator"} == before
    assert "podium_sequences_running{" not in generate_latest(metrics.registry).decode()


async def test_metrics_have_the_names_that_dashboards_know(
    repository: Path, make_catalogue: MakeCatalogue, metrics: Metrics
) -> None:
    """Tokens are counted exactly, and every token but the first has its gap."""
    write_step_package(repository / "verse" / "1", lstm())
    catalogue = make_catalogue()
    await catalogue.start()
    generator = catalogue.resolve("verse").generator
    assert generator is not None
    await all_of(begin(generator, SampleJob(Start(np.arange(10)), SAMPLING, 50, seed=0)))
    await catalogue.close()
    page = generate_latest(metrics.registry).decode()
    labels = '{model="verse",version="1"}'
    for line in (
        f"podium_prompt_tokens_total{labels} 10.0",
        f"podium_output_tokens_total{labels} 50.0",
        f"podium_prefill_tokens_total{labels} 8.0",
        f"podium_decode_tokens_total{labels} 51.0",  # the prompt's last two go along with those who write
        f"podium_time_to_first_token_seconds_count{labels} 1.0",
        f"podium_time_between_tokens_seconds_count{labels} 49.0",
        f"podium_step_seconds_count{labels} 51.0",
        f"podium_step_rows_sum{labels} 51.0",
        'podium_sequences_finished_total{model="verse",reason="length",version="1"} 1.0',
    ):
        assert line in page


def test_what_a_step_graph_is_fed_is_part_of_what_is_remembered_of_it() -> None:
    """The same file with other states, of a text or of a clip, is measured anew."""
    graph = pb.Graph(name="step", file="step.onnx")

    def digest(manifest: pb.ModelManifest) -> str:
        return step_digest(Package(Path(), manifest, {"step": "0" * 64}, checked=True), graph)

    state = pb.StepState(input="h", output="next_h")
    fed = [
        pb.ModelManifest(),
        pb.ModelManifest(generation=pb.Generation(states=[state])),
        pb.ModelManifest(video=pb.Video(states=[state])),
        pb.ModelManifest(video=pb.Video(states=[pb.StepState(input="c", output="next_c")])),
    ]
    assert len({digest(manifest) for manifest in fed}) == len(fed)
