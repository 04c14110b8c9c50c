"""Puts a latent space into words for people."""

from collections.abc import Iterator

from podium.v1 import model_manifest_pb2 as pb

_NUM_CLASSES = 20


def latent_facts(manifest: pb.ModelManifest) -> Iterator[tuple[str, str]]:
    """Yield what a package says of its latent space and of the pictures that come out, each fact with its name."""
    space = manifest.latent_space
    if manifest.HasField("latent_space"):
        yield "latent space", _parts(space)
    if space.class_names:
        more = f", … {len(space.class_names):,} in all" if len(space.class_names) > _NUM_CLASSES else ""
        yield "classes", ", ".join(space.class_names[:_NUM_CLASSES]) + more
    for direction in space.directions:
        yield "direction", _direction(direction)
    if manifest.HasField("image_output"):
        output = manifest.image_output
        yield "output", f"black is {output.low:g}, white is {output.high:g}"


def part_words(part: pb.LatentPart) -> str:
    """Write a part's prior, as in "uniform in [0, 1)"."""
    kind = part.WhichOneof("prior")
    if kind == "uniform":
        return f"uniform in [{part.uniform.low:g}, {part.uniform.high:g})"
    return {"normal": "normal", "one_hot": "one-hot"}.get(kind or "", "without a prior")


def _parts(space: pb.LatentSpace) -> str:
    if not space.parts:
        return "without a prior: it encodes and decodes, and draws nothing of its own"
    parts = " + ".join(f"{part.size} {part_words(part)}" for part in space.parts)
    total = sum(part.size for part in space.parts)
    return f"{parts} = {total} dimensions" if len(space.parts) > 1 else f"{parts} dimension{'s' if total > 1 else ''}"


def _direction(direction: pb.LatentDirection) -> str:
    return (
        f"{direction.name}: by {direction.method.replace('_', ' ')}, separates {100 * direction.held_out_accuracy:.1f} "
        f"% of {direction.num_held_out:,} held-out pictures"
    )
