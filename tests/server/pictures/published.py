"""Published networks, layer by layer from their weights: as ONNX graphs, and PyTorch's own answers for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import helper
from podium_export.architectures.lenet5_32 import LeNet5At32, LeNet5At32Config

from tests.server.pictures.models import F32, I64, Graph

DATA = Path(__file__).parents[4] / "shared" / "data"
VAE, CGAN = DATA / "vae-gan" / "vae-mnist-mlp.pth", DATA / "vae-gan" / "cgan-mnist-G.pt"
LENET, DIGITS = DATA / "image-classification" / "lenet5-mnist.pth", DATA / "image-classification" / "mnist-5000.npz"

Weights = Mapping[str, torch.Tensor]


def load(path: Path) -> Weights:
    """Read the weights of a checkpoint."""
    weights: Weights = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def arrays(weights: Weights) -> dict[str, NDArray[Any]]:
    """Take the weights to numpy."""
    return {name: tensor.numpy() for name, tensor in weights.items()}


def linear(layer: str, x: str, y: str) -> Any:
    """Make the node of a linear layer."""
    return helper.make_node("Gemm", [x, f"{layer}.weight", f"{layer}.bias"], [y], transB=1)


def encode(w: Weights, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """784-400-20: mean and log variance."""
    hidden = torch.relu(F.linear(image.flatten(1), w["fc1.weight"], w["fc1.bias"]))
    return F.linear(hidden, w["fc21.weight"], w["fc21.bias"]), F.linear(hidden, w["fc22.weight"], w["fc22.bias"])


def decode(w: Weights, latent: torch.Tensor) -> torch.Tensor:
    """20-400-784, sigmoid."""
    hidden = torch.relu(F.linear(latent, w["fc3.weight"], w["fc3.bias"]))
    return torch.sigmoid(F.linear(hidden, w["fc4.weight"], w["fc4.bias"])).view(-1, 1, 28, 28)


def generate(w: Weights, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Noise and label side by side as channels of 7×7, twice enlarged, mixed into one channel."""
    noise = torch.relu(F.linear(latent, w["latent.0.weight"], w["latent.0.bias"])).view(-1, 7, 7, 128)
    plane = F.linear(w["label.1.weight"][label], w["label.2.weight"], w["label.2.bias"]).view(-1, 7, 7, 1)
    x = torch.cat([noise, plane], dim=3).permute(0, 3, 1, 2)
    for layer in ("upscale.0", "upscale.2"):
        x = F.conv_transpose2d(x, w[f"{layer}.weight"], w[f"{layer}.bias"], stride=2, padding=1, output_padding=1)
        x = torch.relu(x)
    return F.conv2d(x, w["upscale.4.weight"], w["upscale.4.bias"])


def encoder_graph(w: Weights) -> Graph:
    """Write `encode` as a graph."""
    image = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    mean, log_variance = encode(w, image)
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        linear("fc1", "flat", "a"),
        helper.make_node("Relu", ["a"], ["hidden"]),
        linear("fc21", "hidden", "mean"),
        linear("fc22", "hidden", "log_variance"),
    ]
    return Graph(
        nodes,
        {"image": (("batch", 1, 28, 28), F32)},
        {"mean": (("batch", 20), F32), "log_variance": (("batch", 20), F32)},
        {"image": image.numpy(), "mean": mean.numpy(), "log_variance": log_variance.numpy()},
        arrays({name: w[name] for name in w if name.startswith(("fc1.", "fc21.", "fc22."))}),
    )


def decoder_graph(w: Weights) -> Graph:
    """Write `decode` as a graph."""
    latent = torch.randn(3, 20, generator=torch.Generator().manual_seed(0))
    nodes = [
        linear("fc3", "latent", "a"),
        helper.make_node("Relu", ["a"], ["hidden"]),
        linear("fc4", "hidden", "b"),
        helper.make_node("Sigmoid", ["b"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["image"]),
    ]
    return Graph(
        nodes,
        {"latent": (("batch", 20), F32)},
        {"image": (("batch", 1, 28, 28), F32)},
        {"latent": latent.numpy(), "image": decode(w, latent).numpy()},
        arrays({name: w[name] for name in w if name.startswith(("fc3.", "fc4."))})
        | {"shape": np.array([-1, 1, 28, 28])},
    )


def generator_graph(w: Weights) -> Graph:
    """Write `generate` as a graph."""
    latent = torch.rand(3, 100, generator=torch.Generator().manual_seed(0))
    label = torch.tensor([0, 4, 9])
    upscale: dict[str, Any] = {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}
    nodes = [
        linear("latent.0", "latent", "a"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Reshape", ["b", "noise"], ["c"]),
        helper.make_node("Gather", ["label.1.weight", "label"], ["d"]),
        linear("label.2", "d", "e"),
        helper.make_node("Reshape", ["e", "plane"], ["f"]),
        helper.make_node("Concat", ["c", "f"], ["g"], axis=3),
        helper.make_node("Transpose", ["g"], ["h"], perm=[0, 3, 1, 2]),
        helper.make_node("ConvTranspose", ["h", "upscale.0.weight", "upscale.0.bias"], ["i"], **upscale),
        helper.make_node("Relu", ["i"], ["j"]),
        helper.make_node("ConvTranspose", ["j", "upscale.2.weight", "upscale.2.bias"], ["k"], **upscale),
        helper.make_node("Relu", ["k"], ["l"]),
        helper.make_node("Conv", ["l", "upscale.4.weight", "upscale.4.bias"], ["image"]),
    ]
    return Graph(
        nodes,
        {"latent": (("batch", 100), F32), "label": (("batch",), I64)},
        {"image": (("batch", 1, 28, 28), F32)},
        {"latent": latent.numpy(), "label": label.numpy(), "image": generate(w, latent, label).numpy()},
        arrays(w) | {"noise": np.array([-1, 7, 7, 128]), "plane": np.array([-1, 7, 7, 1])},
    )


def read_digits(images: torch.Tensor) -> torch.Tensor:
    """Read digits of 28×28, 0 … 1, with the published LeNet-5: a class each."""
    network = LeNet5At32(LeNet5At32Config())
    network.load_state_dict(load(LENET))
    with torch.no_grad():
        scores: torch.Tensor = network.eval()(F.interpolate(images, (32, 32), mode="bilinear"))
    return scores.argmax(1)
