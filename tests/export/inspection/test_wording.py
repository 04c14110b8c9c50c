"""A manifest in words: what is done to a picture or a clip, and nothing that is not."""

import pytest
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium.v1.video_pb2 import AllFrames, FrameSampling
from podium_export.inspection.wording import evaluation_words, preprocessing_words, video_words


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


@pytest.mark.parametrize(
    ("video", "words"),
    [
        (
            pb.Video(sampling=FrameSampling(all=AllFrames()), states=[pb.StepState()], frame_rate=12),
            "all frames; one a step; a label for those so far; trained at 12 frames a second",
        ),
        (
            pb.Video(sampling=FrameSampling(all=AllFrames()), window=100, margin=25, per_frame=True),
            "all frames; 100 at once, 25 at either end without a label; a label each",
        ),
        (
            pb.Video(sampling=FrameSampling(uniform=16), window=16),
            "16 frames at equal distances; 16 at once; one label",
        ),
        (pb.Video(sampling=FrameSampling(every=2)), "one frame in 2; the clip at once; one label"),
    ],
)
def test_how_clips_are_taken_is_one_line(video: pb.Video, words: str) -> None:
    """Which frames, how many at once, and whose label it is."""
    assert video_words(video) == words


def test_every_accuracy_is_a_part() -> None:
    """Whatever it is of."""
    figure = pb.Evaluation(metric="accuracy of the digit", value=0.944, dataset="clips", num_examples=1000)
    assert evaluation_words(figure) == "accuracy of the digit 94.4 % on 1,000 clips"
