"""Puts what a manifest holds into words for people."""

from collections.abc import Iterator, Sequence

from podium.v1 import image_pb2, model_manifest_pb2

from podium_export.inspection.graph import Axis
from podium_export.inspection.receptive_field import Field, Window

_COLORS = {
    image_pb2.COLOR_MODE_GRAY: "grey",
    image_pb2.COLOR_MODE_RGB: "RGB",
    image_pb2.COLOR_MODE_BGR: "BGR",
}
_FILTERS = {
    image_pb2.INTERPOLATION_NEAREST: "nearest",
    image_pb2.INTERPOLATION_BILINEAR: "bilinear",
    image_pb2.INTERPOLATION_BICUBIC: "bicubic",
    image_pb2.INTERPOLATION_LANCZOS: "Lanczos",
}
_LAYOUTS = {
    image_pb2.IMAGE_LAYOUT_NCHW: "batch, channel, height, width",
    image_pb2.IMAGE_LAYOUT_NHWC: "batch, height, width, channel",
}


def axes_words(axes: Sequence[Axis] | None) -> str:
    """Write a shape as in 20×28×28; what is not known is a question mark."""
    if axes is None:
        return "?"
    return "×".join("?" if axis is None else str(axis) for axis in axes) or "scalar"


def field_words(field: Field) -> str:
    """Write a receptive field as in 14×14; nothing where there are no places or nothing is known."""
    if isinstance(field, Window):
        return axes_words(field.size) if field.size else ""
    return field.value


def evaluation_words(evaluation: model_manifest_pb2.Evaluation) -> str:
    """Write a measured figure with its data."""
    is_part = not evaluation.unit and (
        evaluation.metric in {"top-1", "top-5"} or evaluation.metric.split()[0] == "accuracy"
    )
    value = f"{100 * evaluation.value:.1f} %" if is_part else f"{evaluation.value:.4g} {evaluation.unit}".strip()
    return f"{evaluation.metric} {value} on {evaluation.num_examples:,} {evaluation.dataset}"


def preprocessing_words(p: image_pb2.ImagePreprocessing) -> str:
    """Write the way from a picture to the network's input in one line."""
    return " → ".join(_preprocessing_steps(p))


def _preprocessing_steps(p: image_pb2.ImagePreprocessing) -> Iterator[str]:
    yield _COLORS.get(p.color_mode, "?")
    size = f"{p.height}×{p.width}"
    by = _FILTERS.get(p.interpolation, "?")
    if p.resize_mode == image_pb2.RESIZE_MODE_STRETCH:
        yield f"stretch to {size} ({by})"
    elif p.resize_mode == image_pb2.RESIZE_MODE_CENTER_CROP:
        yield f"shorter side to {p.shorter_side} ({by})"
        yield f"centre {size}"
    elif p.resize_mode == image_pb2.RESIZE_MODE_CROP_THEN_RESIZE:
        if p.crop_fraction != 1:
            yield f"centre {p.crop_fraction:.4g} of it"
        yield f"resize to {size} ({by})"
    elif p.resize_mode == image_pb2.RESIZE_MODE_EXACT:
        yield f"exactly {size}"
    if p.rescale != 1:
        yield f"× {_scale_words(p.rescale)}"
    if p.mean:
        yield f"− {_channel_words(p.mean)}"
    if p.std:
        yield f"÷ {_channel_words(p.std)}"
    yield f"({_LAYOUTS.get(p.layout, '?')})"


def _scale_words(rescale: float) -> str:
    inverse = 1 / rescale
    return f"1/{round(inverse)}" if abs(inverse - round(inverse)) < 1e-6 * inverse else f"{rescale:.6g}"


def _channel_words(values: Sequence[float]) -> str:
    if len(set(values)) == 1:
        return f"{values[0]:.4g}"
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def score_words(kind: "model_manifest_pb2.ScoreKind") -> str:
    """Say what a classifier's output holds."""
    if kind == model_manifest_pb2.SCORE_KIND_PROBABILITIES:
        return "probabilities"
    return "logits: probabilities are their softmax"


def video_words(video: model_manifest_pb2.Video) -> str:
    """Write how a classifier of clips takes frames, in one line."""
    return "; ".join(_video_parts(video))


def _video_parts(video: model_manifest_pb2.Video) -> Iterator[str]:
    match video.sampling.WhichOneof("method"):
        case "every":
            yield f"one frame in {video.sampling.every}"
        case "uniform":
            yield f"{video.sampling.uniform} frames at equal distances"
        case _:
            yield "all frames"
    if video.states:
        yield "one a step"
    elif video.window:
        margin = f", {video.margin} at either end without a label" if video.margin else ""
        yield f"{video.window} at once{margin}"
    else:
        yield "the clip at once"
    yield "a label each" if video.per_frame else "a label for those so far" if video.states else "one label"
    if video.frame_rate:
        yield f"trained at {video.frame_rate:g} frames a second"
