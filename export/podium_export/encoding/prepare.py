"""From a picture to one row of a network's input, as the manifest's `image_preprocessing` says.

Shapes: H height, W width, C channels.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2 as pb

from podium_export.errors import PictureError

_FILTERS: Mapping[int, Image.Resampling] = MappingProxyType(
    {
        pb.INTERPOLATION_NEAREST: Image.Resampling.NEAREST,
        pb.INTERPOLATION_BILINEAR: Image.Resampling.BILINEAR,
        pb.INTERPOLATION_BICUBIC: Image.Resampling.BICUBIC,
        pb.INTERPOLATION_LANCZOS: Image.Resampling.LANCZOS,
    }
)


def prepare(image: Image.Image, spec: pb.ImagePreprocessing) -> NDArray[np.float32]:
    """Give a picture's row: colours, size, then (pixel · rescale − mean) / std.

    Args:
        image: of mode L, RGB or RGBA.
        spec: what the manifest says.

    Raises:
        PictureError: the network takes one size alone, and the picture has another.

    Returns:
        (C, H, W) or (H, W, C), as the layout says.
    """
    sized = _resized(_colored(image, spec), spec)
    pixels = np.asarray(sized, np.float64).reshape(spec.height, spec.width, -1)
    if spec.color_mode == pb.COLOR_MODE_BGR:
        pixels = pixels[..., ::-1]
    pixels = (pixels * spec.rescale - np.array(spec.mean or [0.0])) / np.array(spec.std or [1.0])
    row: NDArray[np.float32] = pixels.astype(np.float32)
    return row if spec.layout == pb.IMAGE_LAYOUT_NHWC else row.transpose(2, 0, 1)


def _colored(image: Image.Image, spec: pb.ImagePreprocessing) -> Image.Image:
    """Lay what is transparent on the background, and convert to the network's channels."""
    if image.mode == "RGBA":
        red, green, blue = spec.alpha_background or (255, 255, 255)
        background = Image.new("RGB", image.size, (red, green, blue))
        background.paste(image, mask=image.getchannel("A"))
        image = background
    mode = "L" if spec.color_mode == pb.COLOR_MODE_GRAY else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _resized(image: Image.Image, spec: pb.ImagePreprocessing) -> Image.Image:
    size = (spec.width, spec.height)
    if spec.resize_mode == pb.RESIZE_MODE_EXACT:
        if image.size != size:
            raise PictureError(
                f"is {image.width}×{image.height} pixels (width × height); this model takes exactly "
                f"{spec.width}×{spec.height}"
            )
        return image
    if spec.resize_mode == pb.RESIZE_MODE_CENTER_CROP:
        return _center_cropped(image, spec)
    if spec.resize_mode == pb.RESIZE_MODE_CROP_THEN_RESIZE:
        image = image.crop(_window(image, spec))
    return image.resize(size, _FILTERS[spec.interpolation])


def _center_cropped(image: Image.Image, spec: pb.ImagePreprocessing) -> Image.Image:
    """Bring the shorter side to its length, the longer one cut to whole pixels, and cut out the centre."""
    scaled = [int(spec.shorter_side * side / min(image.size)) for side in image.size]
    image = image.resize((scaled[0], scaled[1]), _FILTERS[spec.interpolation])
    left, top = round((image.width - spec.width) / 2), round((image.height - spec.height) / 2)
    return image.crop((left, top, left + spec.width, top + spec.height))


def _window(image: Image.Image, spec: pb.ImagePreprocessing) -> tuple[int, int, int, int]:
    """Give the largest centred window of the network's aspect ratio, times the fraction, in whole pixels."""
    wide = image.width * spec.height > image.height * spec.width
    full_width = image.height * spec.width / spec.height if wide else image.width
    full_height = image.height if wide else image.width * spec.height / spec.width
    width, height = (max(1, int(spec.crop_fraction * full)) for full in (full_width, full_height))
    left, top = (image.width - width + 1) // 2, (image.height - height + 1) // 2
    return left, top, left + width, top + height
