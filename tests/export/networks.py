"""Small networks of known behaviour, right and wrong, and blueprints of them."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec, Tolerance
from torch import Tensor, nn

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Real checkpoints, where the machine has them."""


class Affine(nn.Module):
    """Eight numbers to eight, then whatever `after` makes of them."""

    podium_inputs = ("x:float32:batch,8",)

    def __init__(self, after: Callable[[Tensor, Tensor], Tensor] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.linear(x))
        return self.after(x, y) if self.after else y


class PictureAffine(nn.Module):
    """`Affine` for grey pictures of eight pixels, with the same weights; says nothing of itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, image: Tensor) -> Tensor:
        y: Tensor = self.norm(self.linear(image.flatten(1)))
        return y


class PictureProbabilities(PictureAffine):
    """The same, ending in a softmax."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(super().forward(image), -1)


class TokenStep(nn.Module):
    """A step graph: tokens (batch, time) and a state in, the last logits and the new state out."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(65, 16)
        self.lstm = nn.LSTM(16, 16, batch_first=True)
        self.head = nn.Linear(16, 65)

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, (h, c) = self.lstm(self.embedding(token), (h[None], c[None]))
        return self.head(y[:, -1]), h[0], c[0]


class FrozenTime(nn.Module):
    """A linear layer over time whose conversion holds the traced length in a Reshape, as a converter may leave it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        if torch.onnx.is_in_onnx_export():
            frozen = torch.tensor([-1, 41, 8])
            y = torch.onnx.ops.symbolic("Reshape", (y, frozen), dtype=y.dtype, shape=y.shape)
        return y[:, -1]


def fails() -> nn.Module:
    """Fail as a factory may."""
    raise ZeroDivisionError


def gives_no_network() -> int:
    """Return something else than a network."""
    return 3


def unrolled(x: Tensor, y: Tensor) -> Tensor:
    """Loop over the batch, as beginners do."""
    return torch.stack([y[row] for row in range(x.shape[0])])


def data_dependent(x: Tensor, y: Tensor) -> Tensor:
    """Choose by a value."""
    return y if x.sum() > 0 else -y


def always_dropping(x: Tensor, y: Tensor) -> Tensor:
    """Forget `training=self.training`."""
    return F.dropout(y, 0.5)


def batch_mixing(x: Tensor, y: Tensor) -> Tensor:
    """Subtract the mean over the batch."""
    return y - y.mean(0)


def blueprint(*graphs: GraphBlueprint, task: pb.Task = pb.TASK_TENSOR) -> Blueprint:
    """Describe a model of tensors."""
    return Blueprint(graphs, task, tolerance=Tolerance())


def affine_graph(after: Callable[[Tensor, Tensor], Tensor] | None = None, name: str = "model") -> GraphBlueprint:
    """Describe `Affine`."""
    return GraphBlueprint(Affine(after), (InputSpec("x", "float32", ("batch", 8)),), ("y",), name=name)


def step_graph() -> GraphBlueprint:
    """Describe `TokenStep`."""
    return GraphBlueprint(
        TokenStep(),
        (
            InputSpec("token", "int64", ("batch", "time"), low=0, high=64),
            InputSpec("h", "float32", ("batch", 16)),
            InputSpec("c", "float32", ("batch", 16)),
        ),
        ("logits", "next_h", "next_c"),
        name="step",
    )


def frozen_time_graph() -> GraphBlueprint:
    """Describe `FrozenTime`."""
    return GraphBlueprint(FrozenTime(), (InputSpec("x", "float32", ("batch", "time", 8)),), ("y",))
