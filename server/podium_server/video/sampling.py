"""Which frames of a clip a network reads: the manifest's rule, as numbers."""

from collections.abc import Sequence

from podium.v1 import video_pb2


def check_sampling(sampling: video_pb2.FrameSampling) -> None:
    """Raise ValueError where a manifest's rule is none; the message begins with the field."""
    method = sampling.WhichOneof("method")
    if method is None:
        raise ValueError("sampling: must be all, every or uniform")
    if method != "all" and getattr(sampling, method) < 1:
        raise ValueError(f"sampling.{method}: is 0; it must be 1 or more")


def needs_length(sampling: video_pb2.FrameSampling) -> bool:
    """Say whether the clip's length must be known before a frame can be chosen."""
    return bool(sampling.HasField("uniform"))


def chosen(sampling: video_pb2.FrameSampling, num_frames: int) -> Sequence[int]:
    """List the frames to read of a clip of 1 frame or more, ascending; some twice where there are too few."""
    match sampling.WhichOneof("method"):
        case "every":
            return range(0, num_frames, sampling.every)
        case "uniform":
            count = sampling.uniform
            return [(2 * i + 1) * num_frames // (2 * count) for i in range(count)]
        case _:
            return range(num_frames)
