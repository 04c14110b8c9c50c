"""What the classification service keeps of one version: compiled once from its manifest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.class_names import ClassNames
from podium_server.errors import InvalidArgument, RunFailed
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.reader import ImageReader
from podium_server.ranking import NotFinite
from podium_server.signature import Signature


def check_classifier(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
    """Raise ValueError where a package for classification makes no classifier."""
    Classifier(manifest, signatures[manifest.graphs[0].name], ImageLimits(1, 1))


class Classifier:
    """Reads pictures for one network, and names what its output says.

    Attributes:
        reader: reads pictures into rows of the network's input.
    """

    def __init__(self, manifest: pb.ModelManifest, signature: Signature, limits: ImageLimits) -> None:
        """Compile a manifest.

        Args:
            manifest: of a package whose task is image classification.
            signature: of its only graph.
            limits: what one picture may cost.

        Raises:
            ValueError: if manifest and signature make no classifier; the message says what is wrong.
        """
        if len(signature.inputs) != 1 or not signature.outputs or signature.uncarried:
            raise ValueError("a classifier's graph has one input, the picture, and its first output holds the scores")
        spec = signature.inputs[0]
        try:
            self.reader = ImageReader(manifest.image_preprocessing, spec.element, limits)
        except ValueError as error:
            raise ValueError(f"image_preprocessing: {error}") from error
        self.reader.check_fits(spec)
        self._names = ClassNames(manifest.classification, signature.outputs[0])

    def results(
        self, pictures: NDArray[Any], scores: NDArray[Any], top_k: int, *, return_logits: bool
    ) -> list[wire.ClassificationResult]:
        """Say what each picture shows.

        Args:
            pictures: what the graph was given, one row a picture.
            scores: the graph's output, one row a picture; axes after the first count as one.
            top_k: how many classes to name; 0 for the usual 5.
            return_logits: whether the scores are returned too.

        Raises:
            InvalidArgument: scores are not finite because a picture's own numbers are not.
            RunFailed: scores are not finite.
        """
        rows = scores.reshape(scores.shape[0], -1)
        results: list[wire.ClassificationResult] = []
        for index, row in enumerate(rows):
            try:
                results.append(self._names.result(row, top_k, return_logits=return_logits))
            except NotFinite as error:
                raise _blame(pictures[index], index) from error
        return results


def _blame(picture: NDArray[Any], index: int) -> InvalidArgument | RunFailed:
    """Say whose fault scores are that say nothing: the caller's, who sent such numbers, or the network's."""
    if not np.isfinite(picture).all():
        field = f"images[{index}].tensor"
        return InvalidArgument(f"{field}: holds NaN or infinity; a picture's numbers must all be finite", field)
    return RunFailed(f"images[{index}]: the model's scores are not finite; it cannot classify this picture")
