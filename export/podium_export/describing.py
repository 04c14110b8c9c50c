"""Lays what the command line says over what an architecture says of itself."""

import dataclasses
from collections.abc import Mapping

from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import Blueprint, GraphBlueprint, Tolerance
from podium_export.clip_flags import ClipFlags, with_clips
from podium_export.errors import OptionError
from podium_export.labels import check_count, read_labels
from podium_export.options import Choices
from podium_export.preprocessing import check_input, preprocessing_of
from podium_export.text_flags import TextFlags
from podium_export.texts import with_texts
from podium_export.trials import dynamic_axes

TASKS = {
    "classification": pb.TASK_IMAGE_CLASSIFICATION,
    "text-generation": pb.TASK_TEXT_GENERATION,
    "tensor": pb.TASK_TENSOR,
}
"""--task in the manifest's words."""
SCORE_KINDS = {"logits": pb.SCORE_KIND_LOGITS, "probabilities": pb.SCORE_KIND_PROBABILITIES}
"""--scores in the manifest's words."""


def described(
    blueprint: Blueprint, choices: Choices, texts: TextFlags | None = None, clips: ClipFlags | None = None
) -> Blueprint:
    """Replace what the command line names, and check that all of it fits together.

    Raises:
        OptionError: a flag does not go with the task or the network.
        LabelsError: the labels cannot be read.
        VocabularyError: the vocabulary cannot be read or does not fit.
    """
    _check_axes(blueprint, choices.axis)
    task = TASKS[choices.task] if choices.task else blueprint.task
    tolerance = Tolerance(
        blueprint.tolerance.absolute if choices.atol is None else choices.atol,
        blueprint.tolerance.relative if choices.rtol is None else choices.rtol,
    )
    blueprint = dataclasses.replace(
        blueprint,
        task=task,
        tolerance=tolerance,
        description=blueprint.description if choices.description is None else choices.description,
        graphs=tuple(_with_lengths(graph, choices.axis) for graph in blueprint.graphs),
        generation=blueprint.generation if task == blueprint.task else None,
        video=blueprint.video if task == blueprint.task else None,
    )
    if task == pb.TASK_TEXT_GENERATION and blueprint.generation is None:
        raise OptionError("--task text-generation: the network does not say what it remembers from step to step")
    blueprint = with_texts(blueprint, texts or TextFlags())
    blueprint = with_clips(blueprint, clips or ClipFlags())
    if task == pb.TASK_IMAGE_CLASSIFICATION:
        return _classifier(blueprint, choices)
    if task == pb.TASK_VIDEO_CLASSIFICATION:
        return _clip_classifier(blueprint, choices)
    if choices.labels and blueprint.latent_space is not None and blueprint.latent_space.class_names:
        return _conditional(blueprint, blueprint.latent_space, choices)
    stray = choices.images.given + [f"--{name}" for name in ("labels", "scores") if getattr(choices, name)]
    if stray:
        raise OptionError(f"{', '.join(stray)}: for --task classification alone")
    if choices.task is None:
        return blueprint
    return dataclasses.replace(blueprint, image_preprocessing=None, labels=(), score_kind=pb.SCORE_KIND_UNSPECIFIED)


def _check_axes(blueprint: Blueprint, lengths: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse lengths of axes that no graph has: nothing would be tried at them."""
    known = list(dict.fromkeys(axis for graph in blueprint.graphs for axis in dynamic_axes(graph)))
    for axis in lengths:
        if axis not in known:
            there = f"there are {', '.join(known)}" if known else "every axis has a fixed length"
            raise OptionError(f"--axis {axis}: the network has no dynamic axis of that name; {there}")


def _with_lengths(graph: GraphBlueprint, lengths: Mapping[str, tuple[int, ...]]) -> GraphBlueprint:
    return dataclasses.replace(graph, lengths={**graph.lengths, **lengths})


def _classifier(blueprint: Blueprint, choices: Choices) -> Blueprint:
    images = preprocessing_of(choices.images, blueprint.image_preprocessing)
    check_input(images, blueprint.graphs[0].inputs[0])
    usual = blueprint.score_kind or pb.SCORE_KIND_LOGITS
    return dataclasses.replace(
        blueprint,
        image_preprocessing=images,
        score_kind=SCORE_KINDS[choices.scores] if choices.scores else usual,
        labels=read_labels(choices.labels) if choices.labels else blueprint.labels,
    )


def _clip_classifier(blueprint: Blueprint, choices: Choices) -> Blueprint:
    """Name the classes of a network whose frames are as they are."""
    if choices.images.given:
        raise OptionError(f"{', '.join(choices.images.given)}: the network itself says what a frame is")
    return dataclasses.replace(
        blueprint,
        score_kind=SCORE_KINDS[choices.scores] if choices.scores else blueprint.score_kind,
        labels=read_labels(choices.labels) if choices.labels else blueprint.labels,
    )


def _conditional(blueprint: Blueprint, space: pb.LatentSpace, choices: Choices) -> Blueprint:
    """Name the classes that a network with a latent space can be asked for."""
    assert choices.labels is not None
    names = read_labels(choices.labels)
    check_count(names, len(space.class_names))
    named = pb.LatentSpace(parts=space.parts, directions=space.directions, class_names=names)
    return dataclasses.replace(blueprint, latent_space=named)
