"""From an encoder's input to the decoder's numbers, in which reconstructions are compared with what was sent."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_pb2

from podium_server.pictures.pixel_map import PixelMap


class InputMap:
    """Maps what an encoder reads to what the decoder should give for it: both say how they stand for pixels.

    Args:
        spec: how a picture becomes the encoder's input.
        output: how the decoder's output becomes a picture.

    Raises:
        ValueError: channels or axes are ordered differently, so that the two cannot be compared.
    """

    def __init__(self, spec: image_pb2.ImagePreprocessing, output: PixelMap) -> None:
        if spec.color_mode != output.color_mode:
            raise ValueError("image_preprocessing and image_output differ in color_mode")
        if (spec.layout == image_pb2.IMAGE_LAYOUT_NCHW) != output.channels_first:
            raise ValueError("image_preprocessing and image_output differ in layout")
        channels = output.num_channels
        mean = np.array(spec.mean or [0.0] * channels, np.float64)
        std = np.array(spec.std or [1.0] * channels, np.float64)
        # input = (pixel * rescale - mean) / std, and output = low + pixel * (high - low) / 255.
        level = (output.high - output.low) / (255.0 * spec.rescale)
        scale, bias = std * level, output.low + mean * level
        self._same = bool(np.allclose(scale, 1.0, rtol=1e-9) and np.allclose(bias, 0.0, atol=1e-9))
        self._scale, self._bias = (
            (scale[:, None, None], bias[:, None, None]) if output.channels_first else (scale, bias)
        )

    def mean_squared_errors(self, rows: NDArray[Any], images: NDArray[Any]) -> NDArray[np.float64]:
        """Compare reconstructions with what was sent, in the decoder's numbers.

        Args:
            rows: the encoder's input, (N, …).
            images: the decoder's output, of the same shape.

        Returns:
            (N,), each at least 0.
        """
        wanted = rows.astype(np.float64)
        if not self._same:
            wanted = wanted * self._scale + self._bias
        errors: NDArray[np.float64] = np.square(images - wanted).reshape(len(rows), -1).mean(axis=1)
        return errors
