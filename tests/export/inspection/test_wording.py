"""Preprocessing in words: what is done to a picture, and nothing that is not."""

from podium.v1 import image_pb2
from podium_export.inspection.wording import preprocessing_words


def test_a_crop_that_takes_everything_is_not_told() -> None:
    """Of the whole picture there is no part to speak of."""
    spec = image_pb2.ImagePreprocessing(
        height=32,
        width=32,
        color_mode=image_pb2.COLOR_MODE_RGB,
        resize_mode=image_pb2.RESIZE_MODE_CROP_THEN_RESIZE,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        crop_fraction=1.0,
        rescale=1.0,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )
    steps = "RGB → resize to 32×32 (bilinear) → (batch, channel, height, width)"
    assert preprocessing_words(spec) == steps

    spec.crop_fraction = 0.875
    assert preprocessing_words(spec) == steps.replace("→ resize", "→ centre 0.875 of it → resize")
