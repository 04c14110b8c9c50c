"""From learned and held-out examples to what a manifest says of a direction."""

from podium.v1 import model_manifest_pb2 as pb

from podium_export.directions.direction import METHODS, Examples, Separation, separation


def named_direction(
    name: str, method: str, learned: Examples, held_out: Examples
) -> tuple[pb.LatentDirection, Separation]:
    """Find a direction from the learned examples, and see on which side of it the held-out ones lie.

    Args:
        name: what it is called.
        method: a key of `METHODS`.
        learned: what it is found from.
        held_out: what it is measured on.
    """
    values = METHODS[method](learned)
    parts = separation(values, learned, held_out)
    direction = pb.LatentDirection(
        name=name,
        values=values,
        method=method.replace("-", "_"),
        held_out_accuracy=parts.accuracy,
        num_held_out=parts.num_examples,
    )
    return direction, parts
