"""An autoencoder that was trained to give back the clean picture for a noisy one.

P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol: Extracting and Composing Robust Features with Denoising
Autoencoders, 2008, section 2.3: the loss compares g(f(x̃)) with x, x̃ being x with noise. The network is an
autoencoder's; what it learned is another thing.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures import autoencoder


def build(state: Mapping[str, Tensor]) -> autoencoder.Autoencoder:
    """Build the network with the layers that the checkpoint has under "encoder" and "decoder"."""
    return autoencoder.build(state)


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    return autoencoder.described(network, "A denoising autoencoder: noisy pictures in, clean ones out.")
