"""Chapter: pictures from latent space: sampled, traversed, interpolated, denoised, edited."""

import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from podium_client.answers import Classification
from podium_client.demo.edits import edit_digits
from podium_client.demo.samples import NUM_CLASSES, Digit, digits
from podium_client.demo.stage import Stage
from podium_client.pictures import Pictures
from podium_client.sheets.answers import note, sample_sheet, traversal_sheet
from podium_client.sheets.sheet import Row, Sheet
from podium_client.tensors import Array

GAN, VAE, DENOISER, FACES = "digits-gan", "digits-vae", "denoiser", "faces"
CLASSIFIER = "digits"

_SEED = 7
_SAMPLES_A_CLASS = 10
_LEAST_READ = 0.9
_NUM_STREAMED = 2_000
_WAYS = ((3, 8), (4, 9), (7, 1), (0, 6), (2, 5))
_STEPS = 10
_PERCENT = [f"{step / (_STEPS - 1):.0%}" for step in range(_STEPS)]
_DIMENSIONS_SHOWN = 8
_NOISE = 0.4  # standard deviation, of pixels of 0 … 1
_LEAST_CLEANED = 0.5  # of the noise's mean squared error
_NUM_FACES = 48
_FACE_WAYS = ((24, 40), (20, 35), (18, 27), (42, 12), (29, 45))  # by sample


def show_pictures(stage: Stage) -> None:
    """Call every method of the image service, and draw what it answers."""
    stage.chapter("ImageService · pictures from latent space")
    parts: tuple[tuple[str, Callable[[Stage], None]], ...] = (
        (GAN, _sample_digits),
        (GAN, _stream_digits),
        (VAE, _interpolate),
        (VAE, _traverse),
        (DENOISER, _denoise),
        (VAE, _edit),
        (FACES, _sample_faces),
    )
    served = {name for name in dict.fromkeys(model for model, _ in parts) if stage.serves(name)}
    for model, show in parts:
        if model in served:
            show(stage)


def _sample_digits(stage: Stage) -> None:
    """Ask for ten digits of each class, and let the classifier read them."""
    count = NUM_CLASSES * _SAMPLES_A_CLASS
    samples = stage.client.sample(GAN, count, seed=_SEED)
    again = stage.client.sample(GAN, count, seed=_SEED)
    same = [picture.png for picture in samples] == [picture.png for picture in again]
    stage.expect(same, f"{GAN} by the same seed", expected="the same bytes", got="others")
    alone = stage.client.sample(GAN, first_index=count - 1, seed=_SEED)
    stage.expect(
        alone[0].png == samples[-1].png, f"sample {count - 1} alone", expected="as among the others", got="another"
    )
    read = _read(stage, list(samples.arrays))
    num_right = sum(said.best.index == asked for said, asked in zip(read, samples.classes or (), strict=True))
    least = round(_LEAST_READ * count)
    stage.expect(
        num_right >= least, f"{GAN} as read by {CLASSIFIER}", expected=f"{least} or more of {count}", got=num_right
    )
    stage.console.print(f"Sample: {num_right} of {count} digits are read as they were asked for.")
    title = f"Digits made to order: {num_right} of {count} are read as asked"
    stage.draw(sample_sheet(samples, title=title), "samples-digits.png")


def _stream_digits(stage: Stage) -> None:
    """Take many pictures as they are made; the first of them are those of one call."""
    began = time.monotonic()
    first_s, num_pictures, latest = 0.0, 0, b""
    for picture in stage.client.stream_sample(GAN, _NUM_STREAMED, seed=_SEED):
        first_s = first_s or time.monotonic() - began
        num_pictures, latest = num_pictures + 1, picture.png
    took_s = time.monotonic() - began
    alone = stage.client.sample(GAN, first_index=_NUM_STREAMED - 1, seed=_SEED)[0].png
    right = num_pictures == _NUM_STREAMED and latest == alone
    stage.expect(right, "StreamSample", expected="every picture, the last as alone", got=f"{num_pictures} pictures")
    stage.console.print(
        f"StreamSample: {num_pictures:,} pictures in {took_s:.2f} s, the first after {first_s * 1e3:.0f} ms."
    )


def _interpolate(stage: Stage) -> None:
    """Go from one real digit to another."""
    by_label = {digit.label: digit for digit in digits(1)}
    rows: list[Row] = []
    ways: list[Pictures] = []
    for start, end in _WAYS:
        ends = by_label[start].pixels, by_label[end].pixels
        way = stage.client.interpolate(VAE, *ends, steps=_STEPS)
        rows.append(Row([Image.fromarray(ends[0]), *way.images, Image.fromarray(ends[1])]))
        ways.append(way)
    stage.expect(all(len(way) == _STEPS for way in ways), "Interpolate", expected=f"{_STEPS} pictures each", got=ways)
    header = ["given", *_PERCENT, "given"]
    stage.draw(Sheet("From one digit to another", note(ways[0].metadata), rows, header), "interpolations-digits.png")


def _traverse(stage: Stage) -> None:
    """Vary the dimensions that digits differ in most, and see that the middle is where it should be."""
    posteriors = stage.client.encode(VAE, [digit.pixels for digit in digits(20)])
    means = np.stack([posterior.mean for posterior in posteriors])
    nats = float(np.mean([posterior.kl_nats for posterior in posteriors]))
    used = np.argsort(-means.var(axis=0), kind="stable")[:_DIMENSIONS_SHOWN]
    stage.console.print(f"Encode: {nats:.1f} nats a digit; digits differ most in dimensions {sorted(used.tolist())}.")
    origin = next(posterior.mean for posterior, digit in zip(posteriors, digits(20), strict=True) if digit.label == 3)
    traversal = stage.client.traverse(VAE, origin, dimensions=used.tolist(), steps=_STEPS + 1)
    same = stage.client.decode(VAE, [row.latents[5] for row in traversal.rows if row.latents is not None])
    right = [picture.png for picture in same] == [row[5].png for row in traversal.rows]
    stage.expect(right, "Traverse and Decode of the same latents", expected="the same bytes", got="others")
    stage.draw(traversal_sheet(traversal, "One dimension varied at a time"), "traversal-digits.png")


def _denoise(stage: Stage) -> None:
    """Add noise to digits, and have it taken away."""
    shown = digits(1)
    clean = np.stack([digit.pixels for digit in shown]) / 255
    noisy = np.clip(clean + np.random.default_rng(_SEED).normal(0, _NOISE, clean.shape), 0, 1)
    pixels = list(np.rint(noisy * 255).astype(np.uint8))
    made = stage.client.reconstruct(DENOISER, pixels)
    before, after = (float(np.mean((pictures - clean) ** 2)) for pictures in (noisy, made.arrays / 255))
    stage.expect(
        after < _LEAST_CLEANED * before,
        f"the mean squared error of what {DENOISER} made",
        expected=f"below {_LEAST_CLEANED * before:.4f}",
        got=f"{after:.4f}",
    )
    num_before, num_after = (_num_right(stage, list(pictures), shown) for pictures in (pixels, made.arrays))
    stage.console.print(
        f"Reconstruct: mean squared error {before:.3f} with the noise, {after:.3f} without; "
        f"{num_before} and {num_after} of {len(shown)} are read right."
    )
    rows = [
        Row([Image.fromarray(digit.pixels) for digit in shown], "as written"),
        Row([Image.fromarray(each) for each in pixels], "with noise"),
        Row(made.images, "denoised"),
    ]
    stage.draw(Sheet("Noise taken away", note(made.metadata), rows), "denoised.png")


def _edit(stage: Stage) -> None:
    """Move digits along named directions."""
    edit_digits(stage, VAE)


def _sample_faces(stage: Stage) -> None:
    """Draw colour pictures, and go from some of them to others."""
    samples = stage.client.sample(FACES, _NUM_FACES, seed=_SEED)
    colour = samples.arrays.ndim == 4
    stage.expect(colour, FACES, expected="pictures in colour", got=f"an array of shape {samples.arrays.shape}")
    stage.draw(sample_sheet(samples, title=f"{_NUM_FACES} faces of nobody"), "samples-faces.png")
    latents = samples.latents
    assert latents is not None
    ways = [stage.client.interpolate(FACES, latents[start], latents[end], steps=_STEPS) for start, end in _FACE_WAYS]
    right = all(
        (way[0].png, way[-1].png) == (samples[start].png, samples[end].png)
        for way, (start, end) in zip(ways, _FACE_WAYS, strict=True)
    )
    stage.expect(right, "the ends of a way", expected="the samples it goes between, to the byte", got="others")
    rows = [Row(way.images) for way in ways]
    stage.draw(Sheet("From one face to another", note(samples.metadata), rows, _PERCENT), "interpolations-faces.png")


def _read(stage: Stage, pictures: list[Array]) -> list[Classification]:
    return stage.client.classify(CLASSIFIER, pictures, top_k=1)


def _num_right(stage: Stage, pictures: list[Array], shown: list[Digit]) -> int:
    answers = _read(stage, pictures)
    return sum(answer.best.index == digit.label for answer, digit in zip(answers, shown, strict=True))
