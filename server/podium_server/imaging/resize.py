"""Brings a picture to the network's size, by the rules that training code uses, pixel for pixel."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from PIL import Image
from podium.v1 import image_pb2 as pb

from podium_server.imaging.decode import ImageRejected

Resizer = Callable[[Image.Image], Image.Image]

_FILTERS: Mapping[int, Image.Resampling] = MappingProxyType(
    {
        pb.INTERPOLATION_NEAREST: Image.Resampling.NEAREST,
        pb.INTERPOLATION_BILINEAR: Image.Resampling.BILINEAR,
        pb.INTERPOLATION_BICUBIC: Image.Resampling.BICUBIC,
        pb.INTERPOLATION_LANCZOS: Image.Resampling.LANCZOS,
    }
)


def compile_resize(spec: pb.ImagePreprocessing, max_pixels: int) -> Resizer:
    """Make the function that resizes as a manifest says.

    Args:
        spec: the manifest's preprocessing; its height and width are 1 or more.
        max_pixels: the most pixels of a picture between resizing and cutting.

    Raises:
        ValueError: if the manifest's resizing makes no sense; the message names the field.
    """
    compilers: Mapping[int, Callable[[pb.ImagePreprocessing], Resizer]] = {
        pb.RESIZE_MODE_STRETCH: _stretch,
        pb.RESIZE_MODE_CENTER_CROP: partial(_center_crop, max_pixels=max_pixels),
        pb.RESIZE_MODE_CROP_THEN_RESIZE: _crop_then_resize,
        pb.RESIZE_MODE_EXACT: _exact,
    }
    compiler = compilers.get(spec.resize_mode)
    if compiler is None:
        raise ValueError("resize_mode must be STRETCH, CENTER_CROP, CROP_THEN_RESIZE or EXACT")
    return compiler(spec)


def _filter(spec: pb.ImagePreprocessing) -> Image.Resampling:
    chosen = _FILTERS.get(spec.interpolation)
    if chosen is None:
        raise ValueError("interpolation must be NEAREST, BILINEAR, BICUBIC or LANCZOS")
    return chosen


def _stretch(spec: pb.ImagePreprocessing) -> Resizer:
    size, resample = (spec.width, spec.height), _filter(spec)
    return lambda image: image if image.size == size else image.resize(size, resample)


def _center_crop(spec: pb.ImagePreprocessing, max_pixels: int) -> Resizer:
    """Resize the shorter side, cut out the centre: torchvision's `Resize(int)` and `CenterCrop`, its rounding too.

    Source: torchvision.transforms.functional, `_compute_resized_output_size` and `center_crop`: the longer side
    is truncated, the offsets are rounded half to even.
    """
    shorter_side, width, height, resample = spec.shorter_side, spec.width, spec.height, _filter(spec)
    if shorter_side < max(width, height):
        raise ValueError(f"shorter_side is {shorter_side}; it must be at least height and width")

    def resize(image: Image.Image) -> Image.Image:
        w, h = image.size
        longer_side = int(shorter_side * max(w, h) / min(w, h))
        if shorter_side * longer_side > max_pixels:
            raise ImageRejected(
                f"is {w}×{h} pixels, so narrow that with {shorter_side} pixels on the shorter side it would have "
                f"{shorter_side * longer_side}; at most {max_pixels} are taken"
            )
        w, h = (shorter_side, longer_side) if w <= h else (longer_side, shorter_side)
        if image.size != (w, h):
            image = image.resize((w, h), resample)
        left, top = round((w - width) / 2), round((h - height) / 2)
        return image if image.size == (width, height) else image.crop((left, top, left + width, top + height))

    return resize


def _crop_then_resize(spec: pb.ImagePreprocessing) -> Resizer:
    """Cut out the largest centred window of the network's aspect ratio times a fraction, then resize it.

    The window's sides are truncated to whole pixels, at least 1; an odd margin leaves the larger half above and to
    the left.
    Source: `_decode_and_center_crop` of TensorFlow's EfficientNet (tpu/models/official/efficientnet,
    preprocessing.py), there for square networks.
    """
    fraction, width, height, resample = spec.crop_fraction, spec.width, spec.height, _filter(spec)
    if not 0 < fraction <= 1:
        raise ValueError(f"crop_fraction is {fraction}; it must be above 0 and at most 1")

    def resize(image: Image.Image) -> Image.Image:
        w, h = image.size
        window_w = w if w * height <= h * width else h * width / height
        window_h = h if w * height >= h * width else w * height / width
        cut_w, cut_h = max(1, int(fraction * window_w)), max(1, int(fraction * window_h))
        left, top = (w - cut_w + 1) // 2, (h - cut_h + 1) // 2
        if (cut_w, cut_h) != (w, h):
            image = image.crop((left, top, left + cut_w, top + cut_h))
        return image if image.size == (width, height) else image.resize((width, height), resample)

    return resize


def _exact(spec: pb.ImagePreprocessing) -> Resizer:
    size = (spec.width, spec.height)

    def check(image: Image.Image) -> Image.Image:
        if image.size != size:
            raise ImageRejected(
                f"is {image.size[0]}×{image.size[1]} pixels (width × height); "
                f"this model takes exactly {size[0]}×{size[1]}"
            )
        return image

    return check
