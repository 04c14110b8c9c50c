"""What the command line says of pictures: from flags to the manifest's preprocessing, checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from podium.v1 import image_pb2

from podium_export.architecture import InputSpec
from podium_export.errors import OptionError
from podium_export.flags import given_flags

COLOR_MODES: Mapping[str, "image_pb2.ColorMode"] = MappingProxyType(
    {"gray": image_pb2.COLOR_MODE_GRAY, "rgb": image_pb2.COLOR_MODE_RGB, "bgr": image_pb2.COLOR_MODE_BGR}
)
"""--color."""
RESIZE_MODES: Mapping[str, "image_pb2.ResizeMode"] = MappingProxyType(
    {
        "stretch": image_pb2.RESIZE_MODE_STRETCH,
        "center-crop": image_pb2.RESIZE_MODE_CENTER_CROP,
        "crop-then-resize": image_pb2.RESIZE_MODE_CROP_THEN_RESIZE,
        "exact": image_pb2.RESIZE_MODE_EXACT,
    }
)
"""--resize."""
INTERPOLATIONS: Mapping[str, "image_pb2.Interpolation"] = MappingProxyType(
    {
        "nearest": image_pb2.INTERPOLATION_NEAREST,
        "bilinear": image_pb2.INTERPOLATION_BILINEAR,
        "bicubic": image_pb2.INTERPOLATION_BICUBIC,
        "lanczos": image_pb2.INTERPOLATION_LANCZOS,
    }
)
"""--interpolation."""
LAYOUTS: Mapping[str, "image_pb2.ImageLayout"] = MappingProxyType(
    {"nchw": image_pb2.IMAGE_LAYOUT_NCHW, "nhwc": image_pb2.IMAGE_LAYOUT_NHWC}
)
"""--layout."""


@dataclass(frozen=True, slots=True)
class ImageFlags:
    """The flags on pictures, each None where it was not given; named as the fields of the manifest are.

    Attributes:
        image_size: height and width in pixels.
        color: a key of `COLOR_MODES`.
        resize: a key of `RESIZE_MODES`.
        interpolation: a key of `INTERPOLATIONS`.
        shorter_side: for "center-crop", in pixels.
        crop_fraction: for "crop-then-resize", above 0, at most 1.
        rescale: what a pixel of 0 … 255 is multiplied by.
        mean: one value a channel, of the rescaled pixel.
        std: one value a channel, of the rescaled pixel.
        layout: a key of `LAYOUTS`.
    """

    image_size: tuple[int, int] | None = None
    color: str | None = None
    resize: str | None = None
    interpolation: str | None = None
    shorter_side: int | None = None
    crop_fraction: float | None = None
    rescale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    layout: str | None = None

    @property
    def given(self) -> list[str]:
        """List the flags that were given, as they are typed."""
        return given_flags(self)


def preprocessing_of(
    flags: ImageFlags, usual: image_pb2.ImagePreprocessing | None = None
) -> image_pb2.ImagePreprocessing:
    """Lay the flags over an architecture's usual preprocessing, or over stretch, bilinear, 1/255 and NCHW.

    Raises:
        OptionError: something required is missing, or two flags contradict each other.
    """
    images = image_pb2.ImagePreprocessing(
        resize_mode=image_pb2.RESIZE_MODE_STRETCH,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        rescale=1 / 255,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )
    if usual is not None:
        images.CopyFrom(usual)
    if flags.image_size is not None:
        images.height, images.width = flags.image_size
    for name, value in _plain(flags):
        setattr(images, name, value)
    if flags.mean is not None:
        images.mean[:] = flags.mean
    if flags.std is not None:
        images.std[:] = flags.std
    _check(images)
    return images


def _plain(flags: ImageFlags) -> Iterator[tuple[str, float]]:
    """Yield the manifest's field and its value for each flag that is one number or one choice."""
    choices: tuple[tuple[str, str | None, Mapping[str, int]], ...] = (
        ("color_mode", flags.color, COLOR_MODES),
        ("resize_mode", flags.resize, RESIZE_MODES),
        ("interpolation", flags.interpolation, INTERPOLATIONS),
        ("layout", flags.layout, LAYOUTS),
    )
    yield from ((name, values[chosen]) for name, chosen, values in choices if chosen is not None)
    for name in ("shorter_side", "crop_fraction", "rescale"):
        if (number := getattr(flags, name)) is not None:
            yield name, number


def num_channels(images: image_pb2.ImagePreprocessing) -> int:
    """Count the colour channels."""
    return 1 if images.color_mode == image_pb2.COLOR_MODE_GRAY else 3


def input_shape(images: image_pb2.ImagePreprocessing) -> tuple[int | str, ...]:
    """Give the shape of a network's input that the preprocessing fills."""
    channels = num_channels(images)
    if images.layout == image_pb2.IMAGE_LAYOUT_NHWC:
        return ("batch", images.height, images.width, channels)
    return ("batch", channels, images.height, images.width)


def check_input(images: image_pb2.ImagePreprocessing, spec: InputSpec) -> None:
    """Compare the network's input with what the preprocessing gives.

    Raises:
        OptionError: they differ.
    """
    made = input_shape(images)
    fixed = zip(spec.shape[1:], made[1:], strict=False)
    if len(spec.shape) != 4 or any(isinstance(own, int) and own != given for own, given in fixed):
        shown = ", ".join(str(axis) for axis in spec.shape)
        raise OptionError(
            f'the network\'s input "{spec.name}" is ({shown}) and the preprocessing gives '
            f"({', '.join(str(axis) for axis in made)}): set --image-size, --color and --layout to suit it"
        )
    if spec.element_type != "float32":
        raise OptionError(
            f'the network\'s input "{spec.name}" is {spec.element_type}: a classifier of pictures takes float32; '
            "use --task tensor"
        )


def _check(images: image_pb2.ImagePreprocessing) -> None:
    if not images.height or not images.width:
        raise OptionError("--image-size is required for --task classification, as in --image-size 32 or 240x320")
    if not images.color_mode:
        raise OptionError(f"--color is required for --task classification: {', '.join(COLOR_MODES)}")
    channels = num_channels(images)
    for name, values in (("mean", images.mean), ("std", images.std)):
        if values and len(values) != channels:
            raise OptionError(
                f"--{name}: {len(values)} values for {channels} channel{'s' if channels > 1 else ''}: "
                "give one a channel, as in --mean 0.485,0.456,0.406"
            )
    if any(value <= 0 for value in images.std):
        raise OptionError(f"--std {', '.join(f'{v:g}' for v in images.std)}: each must be above 0")
    if images.rescale <= 0:
        raise OptionError(f"--rescale {images.rescale:g}: must be above 0, for example {1 / 255:.6g} (1/255)")
    _check_resize(images)


def _check_resize(images: image_pb2.ImagePreprocessing) -> None:
    if images.resize_mode == image_pb2.RESIZE_MODE_CENTER_CROP:
        least = max(images.height, images.width)
        if images.shorter_side < least:
            raise OptionError(
                f"--shorter-side {images.shorter_side or '(not given)'}: --resize center-crop needs the shorter "
                f"side before the cut, {least} or more"
            )
    elif images.shorter_side:
        raise OptionError("--shorter-side goes with --resize center-crop alone")
    if images.resize_mode == image_pb2.RESIZE_MODE_CROP_THEN_RESIZE:
        if not 0 < images.crop_fraction <= 1:
            raise OptionError(
                f"--crop-fraction {images.crop_fraction or '(not given)'}: --resize crop-then-resize needs the "
                "part that is kept, above 0, at most 1"
            )
    elif images.crop_fraction:
        raise OptionError("--crop-fraction goes with --resize crop-then-resize alone")
