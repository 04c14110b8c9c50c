"""From a decoder's output to pixels.

Shapes: N pictures, H height, W width, C channels.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb

CHANNELS = {image_pb2.COLOR_MODE_GRAY: 1, image_pb2.COLOR_MODE_RGB: 3, image_pb2.COLOR_MODE_BGR: 3}


class PixelMap:
    """Compiled from a manifest's `image_output`.

    Args:
        spec: what the manifest says.

    Raises:
        ValueError: it is wrong; the message begins with the field.
    """

    def __init__(self, spec: pb.ImageOutput) -> None:
        if not (math.isfinite(spec.low) and math.isfinite(spec.high) and spec.low < spec.high):
            raise ValueError(f"low and high are {spec.low} and {spec.high}; low must be below high")
        if spec.color_mode not in CHANNELS:
            raise ValueError("color_mode must be GRAY, RGB or BGR")
        if spec.layout not in (image_pb2.IMAGE_LAYOUT_NCHW, image_pb2.IMAGE_LAYOUT_NHWC):
            raise ValueError("layout must be NCHW or NHWC")
        self.num_channels = CHANNELS[spec.color_mode]
        self.channels_first = spec.layout == image_pb2.IMAGE_LAYOUT_NCHW
        self.color_mode = spec.color_mode
        self.low, self.high = spec.low, spec.high
        self._reverse = spec.color_mode == image_pb2.COLOR_MODE_BGR

    def pixels(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Map a decoder's output to pixels: 255 · (value - low) / (high - low), clamped, rounded half to even.

        Args:
            images: (N, C, H, W) or (N, H, W, C) as the layout says, finite.

        Returns:
            (N, H, W, C), red first.
        """
        with np.errstate(over="ignore"):  # what is too large is white
            levels = images.astype(np.float32)
            levels -= np.float32(self.low)
            levels *= np.float32(255.0 / (self.high - self.low))
        np.clip(levels, 0.0, 255.0, out=levels)
        pixels = np.rint(levels, out=levels).astype(np.uint8)
        if self.channels_first:
            pixels = pixels.transpose(0, 2, 3, 1)
        if self._reverse:
            pixels = pixels[..., ::-1]
        return np.ascontiguousarray(pixels)
