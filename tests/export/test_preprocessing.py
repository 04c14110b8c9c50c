"""Flags on pictures become the manifest's preprocessing, checked as a whole."""

import pytest
from podium.v1 import image_pb2
from podium_export.architecture import InputSpec
from podium_export.errors import OptionError
from podium_export.preprocessing import ImageFlags, check_input, input_shape, preprocessing_of

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_size_and_colour_are_enough() -> None:
    """What is not said is stretch, bilinear, 1/255, NCHW, without mean and std."""
    images = preprocessing_of(ImageFlags(image_size=(32, 48), color="rgb"))
    assert (images.height, images.width) == (32, 48)
    assert images.resize_mode == image_pb2.RESIZE_MODE_STRETCH
    assert images.interpolation == image_pb2.INTERPOLATION_BILINEAR
    assert images.rescale == 1 / 255
    assert not images.mean
    assert input_shape(images) == ("batch", 3, 32, 48)


def test_every_flag_reaches_the_manifest() -> None:
    """The usual ImageNet evaluation, spelled out."""
    flags = ImageFlags((224, 224), "bgr", "center-crop", "bicubic", 256, None, 1 / 128, MEAN, STD, "nhwc")
    images = preprocessing_of(flags)
    assert images.color_mode == image_pb2.COLOR_MODE_BGR
    assert images.resize_mode == image_pb2.RESIZE_MODE_CENTER_CROP
    assert images.interpolation == image_pb2.INTERPOLATION_BICUBIC
    assert images.shorter_side == 256
    assert images.rescale == 1 / 128
    assert (tuple(images.mean), tuple(images.std)) == (MEAN, STD)
    assert input_shape(images) == ("batch", 224, 224, 3)


def test_flags_lie_over_what_an_architecture_says() -> None:
    """A checkpoint trained with another normalization says only that."""
    usual = preprocessing_of(ImageFlags((28, 28), "gray", interpolation="lanczos"))
    images = preprocessing_of(ImageFlags(mean=(0.1307,), std=(0.3081,)), usual)
    assert images.interpolation == image_pb2.INTERPOLATION_LANCZOS
    assert (list(images.mean), list(images.std)) == ([0.1307], [0.3081])
    assert not usual.mean


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (ImageFlags(color="rgb"), "--image-size is required"),
        (ImageFlags((32, 32)), "--color is required"),
        (ImageFlags((32, 32), "gray", mean=MEAN), "--mean: 3 values for 1 channel:"),
        (ImageFlags((32, 32), "rgb", std=(0.5,)), "--std: 1 values for 3 channels"),
        (ImageFlags((32, 32), "rgb", std=(0.5, 0.0, 0.5)), "each must be above 0"),
        (ImageFlags((32, 32), "rgb", rescale=0.0), "--rescale 0: must be above 0"),
        (ImageFlags((32, 32), "rgb", "center-crop"), r"--shorter-side \(not given\).*32 or more"),
        (ImageFlags((32, 64), "rgb", "center-crop", shorter_side=40), "--shorter-side 40.*64 or more"),
        (ImageFlags((32, 32), "rgb", shorter_side=40), "--shorter-side goes with"),
        (ImageFlags((32, 32), "rgb", "crop-then-resize"), r"--crop-fraction \(not given\)"),
        (ImageFlags((32, 32), "rgb", "crop-then-resize", crop_fraction=1.5), "--crop-fraction 1.5"),
        (ImageFlags((32, 32), "rgb", crop_fraction=0.9), "--crop-fraction goes with"),
    ],
)
def test_flags_that_contradict_each_other_are_named(flags: ImageFlags, said: str) -> None:
    """The flag, its value, and what would be right."""
    with pytest.raises(OptionError, match=said):
        preprocessing_of(flags)


def test_the_networks_input_must_take_what_is_made() -> None:
    """Shape and type are compared before anything is traced."""
    images = preprocessing_of(ImageFlags((32, 32), "rgb"))
    check_input(images, InputSpec("x", "float32", ("batch", 3, 32, 32)))
    check_input(images, InputSpec("x", "float32", ("batch", 3, "height", "width")))
    with pytest.raises(OptionError, match=r'input "x" is \(batch, 1, 28, 28\).*gives \(batch, 3, 32, 32\)'):
        check_input(images, InputSpec("x", "float32", ("batch", 1, 28, 28)))
    with pytest.raises(OptionError, match="takes float32"):
        check_input(images, InputSpec("x", "uint8", ("batch", 3, 32, 32)))
