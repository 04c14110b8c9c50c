"""What a manifest says of the graph "step", whichever task it is for: what a step reads, its states, its ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.v1 import model_manifest_pb2 as pb

STEP, ENCODER = "step", "encoder"
TOKEN, FRAME = "token", "frame"


@dataclass(frozen=True, slots=True)
class Described:
    """The words for a step graph.

    Attributes:
        field: the manifest's field that has them.
        input: what a step reads: "token", or "frame".
        states, contexts, end_ids, suppressed_ids: as `pb.Generation` has them.
    """

    field: str
    input: str
    states: Sequence[pb.StepState]
    contexts: Sequence[pb.StepContext] = ()
    end_ids: Sequence[int] = ()
    suppressed_ids: Sequence[int] = ()


def describe(manifest: pb.ModelManifest) -> Described | None:
    """Find them; None where a package's graph "step" is one like any other, or there is none."""
    if manifest.HasField("generation"):
        words = manifest.generation
        return Described("generation", TOKEN, words.states, words.contexts, words.end_ids, words.suppressed_ids)
    if manifest.HasField("video") and (manifest.video.states or any(graph.name == STEP for graph in manifest.graphs)):
        return Described("video", FRAME, manifest.video.states)
    return None
