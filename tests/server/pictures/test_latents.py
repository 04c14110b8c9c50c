"""`Encode`, `Decode`, `Reconstruct`, `Interpolate`, `Traverse` and `Edit` over the wire, against their formulas."""

import numpy as np
import pytest
import torch
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc as stubs
from podium_server.pictures.grid import LINE
from torch.distributions import Normal, kl_divergence

from tests.server.pictures.wires import (
    GRID,
    TENSOR,
    by_index,
    bytes_of,
    encoded,
    latent,
    latents,
    pixels,
    point,
    tensor,
    values,
)

PIXELS = (255, 0, 51, 102)
AS_READ = [1.0, 0.0, 0.2, 0.4]


def test_encode_gives_mean_log_variance_and_divergence(stub: stubs.ImageServiceStub) -> None:
    """This encoder's mean is the picture and its log variance half of it minus 1; the divergence is PyTorch's."""
    images = [encoded(*PIXELS), tensor(0.5, -1, 2, 0)]
    answer = stub.Encode(wire.EncodeRequest(model="vae", images=images))
    for posterior, mean in zip(answer.posteriors, [AS_READ, [0.5, -1.0, 2.0, 0.0]], strict=True):
        mu = torch.tensor(mean, dtype=torch.float64)
        log_variance = mu / 2 - 1
        np.testing.assert_allclose(posterior.mean.values, mean, atol=1e-6)
        np.testing.assert_allclose(posterior.log_variance, log_variance, atol=1e-6)
        nats = kl_divergence(Normal(mu, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum()
        assert posterior.kl_nats == pytest.approx(float(nats), rel=1e-5)
    assert not answer.metadata.HasField("seed")


def test_an_encoder_without_variance_gives_the_latent_alone(stub: stubs.ImageServiceStub) -> None:
    """No log variance, and no divergence."""
    (posterior,) = stub.Encode(wire.EncodeRequest(model="autoencoder", images=[encoded(*PIXELS)])).posteriors
    np.testing.assert_allclose(posterior.mean.values, AS_READ, atol=1e-6)
    assert (list(posterior.log_variance), posterior.kl_nats) == ([], 0.0)


def test_decode_gives_a_picture_a_latent(stub: stubs.ImageServiceStub) -> None:
    """Alone and together with the same bytes."""
    sent = [latent(0, 0.25, 0.5, 1), latent(-3, 7, 0.1, 0.2)]
    together = stub.Decode(wire.DecodeRequest(model="gan", latents=sent)).pictures
    assert pixels(together[0].png).ravel().tolist() == [0, 64, 128, 255]
    assert pixels(together[1].png).ravel().tolist() == [0, 255, 26, 51]
    alone = [stub.Decode(wire.DecodeRequest(model="gan", latents=[each])).pictures[0] for each in sent]
    assert bytes_of(together) == bytes_of(alone)


def test_a_decoder_with_a_label_is_told_the_class(stub: stubs.ImageServiceStub) -> None:
    """The label adds eighths here."""
    request = wire.DecodeRequest(
        model="cgan", latents=[latent(0, 0, 0.5, 0.25)], class_condition=by_index(3), format=TENSOR
    )
    (picture,) = stub.Decode(request).pictures
    assert values(picture) == [0.375, 0.375, 0.875, 0.625]
    assert picture.class_index == 3


def test_a_class_replaces_the_one_hot_part_of_a_latent(stub: stubs.ImageServiceStub) -> None:
    """Without one it stays as it was sent."""
    request = wire.DecodeRequest(model="joint", latents=[latent(0.5, 0.5, 0.25, 0.75)], format=TENSOR)
    (as_sent,) = stub.Decode(request).pictures
    assert (values(as_sent), as_sent.HasField("class_index")) == ([0.5, 0.5, 0.25, 0.75], False)
    request.class_condition.index = 0
    (asked,) = stub.Decode(request).pictures
    assert (values(asked), list(asked.latent.values)) == ([0.5, 0.5, 1, 0], [0.5, 0.5, 1, 0])


@pytest.mark.parametrize(("model", "factor"), [("vae", 1.0), ("autoencoder", 1.0), ("denoiser", 0.5)])
def test_reconstruct_says_how_far_off_it_is(stub: stubs.ImageServiceStub, model: str, factor: float) -> None:
    """The mean squared error over the network's own numbers: nothing for the identity, x²/4 for one that halves."""
    sent = [tensor(*AS_READ), encoded(10, 20, 30, 40)]
    answer = stub.Reconstruct(wire.ReconstructRequest(model=model, images=sent, format=TENSOR))
    rows = np.array([AS_READ, np.array([10, 20, 30, 40]) / 255])
    np.testing.assert_allclose([values(picture) for picture in answer.pictures], rows * factor, rtol=1e-6)
    np.testing.assert_allclose(answer.mean_squared_errors, (rows**2).mean(1) * (1 - factor) ** 2, rtol=1e-6, atol=1e-12)


def test_interpolation_turns_from_a_picture_to_a_latent(stub: stubs.ImageServiceStub) -> None:
    """Half-way between two unit vectors at a right angle lies their sum over √2."""
    request = wire.InterpolateRequest(
        model="vae", start=wire.PictureOrLatent(image=tensor(1, 0, 0, 0)), end=point(0, 1, 0, 0), steps=3, format=TENSOR
    )
    pictures = stub.Interpolate(request).pictures
    np.testing.assert_allclose(
        [values(picture) for picture in pictures],
        [[1, 0, 0, 0], [np.sqrt(0.5), np.sqrt(0.5), 0, 0], [0, 1, 0, 0]],
        rtol=1e-6,
        atol=1e-7,
    )
    request.path = wire.INTERPOLATION_PATH_LINEAR
    np.testing.assert_allclose(values(stub.Interpolate(request).pictures[1]), [0.5, 0.5, 0, 0])


@pytest.mark.parametrize("model", ["autoencoder", "cgan"])
def test_without_a_normal_prior_the_way_is_straight_unless_asked(stub: stubs.ImageServiceStub, model: str) -> None:
    """No prior, or a uniform one; eight pictures unless told otherwise."""
    request = wire.InterpolateRequest(model=model, start=point(1, 0, 0, 0), end=point(0, 1, 0, 0))
    if model == "cgan":
        request.class_condition.index = 0
    straight = latents(stub.Interpolate(request).pictures)
    np.testing.assert_allclose(straight[:, 0], np.linspace(1, 0, 8), atol=1e-7)
    request.path = wire.INTERPOLATION_PATH_SPHERICAL
    np.testing.assert_allclose(np.linalg.norm(latents(stub.Interpolate(request).pictures), axis=1), 1, rtol=1e-6)


def test_an_interpolated_grid_is_one_row(stub: stubs.ImageServiceStub) -> None:
    """From left to right."""
    request = wire.InterpolateRequest(model="gan", start=point(0, 0, 0, 0), end=point(1, 1, 1, 1), steps=5, format=GRID)
    sheet = pixels(stub.Interpolate(request).pictures[0].png)
    assert sheet.shape == (2 + 2 * LINE, 5 * (2 + LINE) + LINE)
    assert sheet[LINE, LINE :: 2 + LINE].tolist() == [0, 64, 128, 191, 255]


def test_traverse_varies_one_dimension_a_row(stub: stubs.ImageServiceStub) -> None:
    """Standard deviations of a normal prior; the others keep the origin's numbers."""
    request = wire.TraverseRequest(
        model="vae",
        origin=wire.PictureOrLatent(image=tensor(0.5, 0.25, 0, 1)),
        dimensions=[2, 0],
        low=-1,
        high=2,
        steps=4,
        format=TENSOR,
    )
    answer = stub.Traverse(request)
    assert [row.dimension for row in answer.rows] == [2, 0]
    for row in answer.rows:
        assert list(row.values) == [-1, 0, 1, 2]
        expected = np.tile([0.5, 0.25, 0, 1], (4, 1))
        expected[:, row.dimension] = row.values
        np.testing.assert_array_equal([values(picture) for picture in row.pictures], expected)
    assert answer.grid == b""


def test_traverse_begins_in_the_middle_of_the_prior(stub: stubs.ImageServiceStub) -> None:
    """All dimensions, -3 … 3 standard deviations of a normal one, from bound to bound of a uniform one."""
    usual = stub.Traverse(wire.TraverseRequest(model="gan"))
    assert [row.dimension for row in usual.rows] == [0, 1, 2, 3]
    np.testing.assert_allclose(usual.rows[1].values, np.linspace(-3, 3, 8), rtol=1e-6)
    np.testing.assert_array_equal(latents(usual.rows[1].pictures)[:, [0, 2, 3]], np.zeros((8, 3)))
    bounded = stub.Traverse(wire.TraverseRequest(model="cgan", class_condition=by_index(0), steps=5))
    np.testing.assert_allclose(bounded.rows[0].values, [0, 0.125, 0.25, 0.375, 0.5], atol=1e-7)
    np.testing.assert_array_equal(latents(bounded.rows[0].pictures)[:, 1:], np.full((5, 3), 0.25))
    one_hot = stub.Traverse(wire.TraverseRequest(model="joint"))
    assert [row.dimension for row in one_hot.rows] == [0, 1]
    assert latents(one_hot.rows[0].pictures)[:, 2:].tolist() == [[1, 0]] * 8


def test_a_traversed_grid_has_one_row_a_dimension(stub: stubs.ImageServiceStub) -> None:
    """The rows then say their values and carry no pictures."""
    answer = stub.Traverse(wire.TraverseRequest(model="gan", dimensions=[0, 1, 3], steps=5, format=GRID))
    assert pixels(answer.grid).shape == (3 * (2 + LINE) + LINE, 5 * (2 + LINE) + LINE)
    assert [(len(row.values), len(row.pictures)) for row in answer.rows] == [(5, 0)] * 3


def test_edit_moves_along_a_direction_by_each_strength(stub: stubs.ImageServiceStub) -> None:
    """A picture a strength, source after source; the direction here is (1, 0, 0, -½)."""
    sources = [wire.PictureOrLatent(image=tensor(0, 0.5, 0.5, 1)), point(0.25, 0, 0, 0)]
    request = wire.EditRequest(model="faces", sources=sources, direction="smile", strengths=[0, 1, -0.5], format=TENSOR)
    edited = [values(picture) for picture in stub.Edit(request).pictures]
    assert edited == [
        [0, 0.5, 0.5, 1],
        [1, 0.5, 0.5, 0.5],
        [-0.5, 0.5, 0.5, 1.25],
        [0.25, 0, 0, 0],
        [1.25, 0, 0, -0.5],
        [-0.25, 0, 0, 0.25],
    ]


def test_edit_goes_the_whole_way_unless_told_otherwise(stub: stubs.ImageServiceStub) -> None:
    """A strength of 1; a grid has one row a source."""
    request = wire.EditRequest(model="faces", sources=[point(0, 0, 0, 0)] * 2, direction="beard", format=TENSOR)
    assert [values(picture) for picture in stub.Edit(request).pictures] == [[0, 0.25, 0, 0]] * 2
    request.format = GRID
    request.strengths.extend([0, 1, 2])
    assert pixels(stub.Edit(request).pictures[0].png).shape == (2 * (2 + LINE) + LINE, 3 * (2 + LINE) + LINE)


def test_a_call_of_two_graphs_counts_once_with_the_time_of_both(stub: stubs.ImageServiceStub) -> None:
    """Encoder and decoder run one after the other; parts fit into the whole."""
    answer = stub.Reconstruct(wire.ReconstructRequest(model="vae", images=[encoded(*PIXELS)] * 8))
    timings = answer.metadata.timings
    assert timings.run_ms > 0
    assert timings.preprocess_ms + timings.queue_ms + timings.run_ms <= timings.total_ms
