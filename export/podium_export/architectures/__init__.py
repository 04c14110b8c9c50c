"""The networks that `podium export` knows by name, one file each.

Listing them loads no network: PyTorch is imported when one is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from podium_export.architecture import Architecture, Blueprint, NetworkChoices
from podium_export.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor, nn


class _Definition(Protocol):
    """What a network's file must define."""

    @property
    def build(self) -> "Callable[..., nn.Module]": ...

    def blueprint(self, network: "nn.Module") -> Blueprint: ...


_NONE = NetworkChoices()


@dataclass(frozen=True, slots=True)
class BundledArchitecture:
    """A network of this package, loaded when it is first built.

    Attributes:
        name: what it is called on the command line.
        summary: one line for the list of architectures.
        module: the file in this folder that defines `build` and `blueprint`.
        takes: the choices that `build` takes after the checkpoint's tensors, as they are typed.
        choices: those that were made.
    """

    name: str
    summary: str
    module: str
    takes: tuple[str, ...] = ()
    choices: NetworkChoices = _NONE

    def chosen(self, choices: NetworkChoices) -> "BundledArchitecture":
        """Make choices that the weights leave open.

        Raises:
            OptionError: this network has no such choice.
        """
        if stray := [option for option in choices.given if option not in self.takes]:
            raise OptionError(f"{', '.join(stray)}: the weights of {self.name} leave no such choice")
        return replace(self, choices=choices)

    def build(self, state: "Mapping[str, Tensor]") -> "nn.Module":
        """Build the network with the sizes that the checkpoint's shapes show."""
        build = self._definition().build
        return build(state, self.choices) if self.takes else build(state)

    def blueprint(self, network: "nn.Module") -> Blueprint:
        """Describe a network that `build` made."""
        return self._definition().blueprint(network)

    def _definition(self) -> _Definition:
        return cast("_Definition", import_module(f"{__name__}.{self.module}"))


_BUNDLED = (
    BundledArchitecture("lenet5", "LeNet-5 in the lecture's sizes: digits, 1×28×28", "lenet5"),
    BundledArchitecture("lenet5-32", "LeNet-5 as published in 1998: digits, 1×32×32", "lenet5_32"),
    BundledArchitecture("alexnet", "AlexNet, one tower (2014): photos, 3×224×224", "alexnet"),
    BundledArchitecture("resnet20-cifar", "ResNet of depth 6n+2: CIFAR pictures, 3×32×32", "resnet_cifar"),
    BundledArchitecture("efficientnet-lite0", "EfficientNet-Lite0: photos, 3×224×224", "efficientnet_lite0"),
    BundledArchitecture("autoencoder", "Autoencoder, dense or convolutional: square pictures", "autoencoder"),
    BundledArchitecture(
        "denoising-autoencoder", "Denoising autoencoder: noisy pictures in, clean ones out", "denoising_autoencoder"
    ),
    BundledArchitecture("vae", "Variational autoencoder, dense or convolutional: square pictures", "vae"),
    BundledArchitecture("conditional-vae", "Variational autoencoder that is told the class", "conditional_vae"),
    BundledArchitecture("dcgan", "DCGAN generator: pictures of any size, grey or RGB", "dcgan"),
    BundledArchitecture("conditional-gan", "GAN generator that is told the class", "conditional_gan"),
    BundledArchitecture("vae-mnist-mlp", "Published VAE of digits, dense: 1×28×28", "vae_mnist_mlp"),
    BundledArchitecture("gan-mnist-mlp", "Published GAN of digits, dense generator: 1×28×28", "gan_mnist_mlp"),
    BundledArchitecture("btcvae", "Burgess VAE, as of β-TCVAE: faces, 3×64×64", "btcvae"),
    BundledArchitecture("jointvae", "JointVAE, normal latents and a one-hot one: digits, 1×32×32", "jointvae"),
    BundledArchitecture("latent-ode", "Latent ODE: series observed at irregular times, at any time", "latent_ode"),
    BundledArchitecture("cgan-mnist", "Published conditional GAN of digits, uniform noise: 1×28×28", "cgan_mnist"),
    BundledArchitecture("char-rnn", "Recurrent language model: characters, words", "char_rnn", takes=("--cell",)),
    BundledArchitecture("textgenrnn", "Published character model, attention over 40 characters", "textgenrnn"),
    BundledArchitecture("seq2seq", "Recurrent encoder and decoder, with attention or without: texts", "seq2seq"),
    BundledArchitecture("cn2en", "Published GRU translator: Chinese to English", "cn2en"),
    BundledArchitecture("g2p-en", "Published GRU: English spelling to phonemes", "g2p_en"),
    BundledArchitecture("captioner", "Convolutional encoder, recurrent decoder: pictures to words", "captioner"),
    BundledArchitecture(
        "cnn-rnn", "A classifier's trunk and recurrent layers: clips, frame by frame", "cnn_rnn", takes=("--cell",)
    ),
    BundledArchitecture("transnetv2", "TransNetV2: the cuts of a clip, 27×48×3 frames", "transnetv2"),
    BundledArchitecture(
        "finger-gesture", "Published MLP: 16-frame tracks of a fingertip to gestures", "finger_gesture"
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({a.name: a for a in _BUNDLED})
"""Every bundled network by the name that `podium export` takes."""
