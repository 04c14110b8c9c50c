"""Words for tests over the wire: what is sent, and what an answer or a refusal holds."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2, tensor_pb2
from podium.v1 import image_service_pb2 as wire
from podium_server.status import DETAILS_KEY

from tests.server.imaging.pictures import png

PNG, TENSOR, GRID = wire.PICTURE_FORMAT_PNG, wire.PICTURE_FORMAT_TENSOR, wire.PICTURE_FORMAT_GRID


def latent(*values: float) -> wire.Latent:
    """Make a latent."""
    return wire.Latent(values=values)


def point(*values: float) -> wire.PictureOrLatent:
    """Make a source that is a latent."""
    return wire.PictureOrLatent(latent=latent(*values))


def encoded(*pixels: int) -> image_pb2.Image:
    """Encode a 2×2 grey picture."""
    return image_pb2.Image(encoded=png(np.array(pixels, np.uint8).reshape(2, 2), 8, 0))


def tensor(*values: float) -> image_pb2.Image:
    """Make a 2×2 grey picture of the network's own numbers."""
    data = np.array(values, "<f4").tobytes()
    return image_pb2.Image(
        tensor=tensor_pb2.Tensor(element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=[1, 2, 2], data=data)
    )


def by_name(name: str) -> wire.ClassCondition:
    """Ask for a class by its name."""
    return wire.ClassCondition(name=name)


def by_index(index: int) -> wire.ClassCondition:
    """Ask for a class by its index."""
    return wire.ClassCondition(index=index)


def pixels(file: bytes) -> NDArray[np.uint8]:
    """Read a PNG file."""
    with Image.open(io.BytesIO(file)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def values(picture: wire.Picture) -> list[float]:
    """Read the numbers of a picture that came as a tensor."""
    assert picture.tensor.element_type == tensor_pb2.ELEMENT_TYPE_FLOAT32
    array = np.frombuffer(picture.tensor.data, "<f4").reshape(picture.tensor.shape)
    return [float(value) for value in array.ravel()]


def latents(pictures: Iterable[wire.Picture]) -> NDArray[np.float32]:
    """Stack the latents that pictures were decoded from."""
    return np.array([picture.latent.values for picture in pictures], np.float32)


def bytes_of(pictures: Iterable[wire.Picture]) -> list[bytes]:
    """Return what pictures are on the wire."""
    return [picture.SerializeToString(deterministic=True) for picture in pictures]


def refusal(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str, str]:
    """Make a call that is refused: its status, its message and the field that it names."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    error: Any = raised.value
    trailer = dict(error.trailing_metadata())[DETAILS_KEY]
    bad = error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(trailer).details:
        detail.Unpack(bad)
    return error.code(), error.details(), bad.field_violations[0].field if bad.field_violations else ""
