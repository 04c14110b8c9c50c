"""A variational autoencoder of which a class can be asked.

D. P. Kingma, S. Mohamed, D. J. Rezende, M. Welling: Semi-supervised Learning with Deep Generative Models, 2014,
arXiv:1406.5298, section 2 (model M2) with every class known: q(z|x, y) and p(x|z, y). The class comes in as a
one-hot vector beside the numbers of the first linear layer of each half.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions, N classes.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures import vae
from podium_export.architectures.latent_model import Method, decoder_graph, encoder_graph, latent_model, normal
from podium_export.architectures.layers import Kind, linear_layers
from podium_export.architectures.vae import VAE, VAEConfig
from podium_export.errors import CheckpointError

USUAL = VAEConfig(encoder=linear_layers(794, 400), decoder=linear_layers(30, 400, 784))


class ConditionalVAE(VAE):
    """A variational autoencoder both halves of which are told the class.

    Attributes:
        num_classes: what the decoder takes beside the latent.
    """

    def __init__(self, config: VAEConfig = USUAL) -> None:
        self.num_classes = config.decoder[0].size_in - config.latent_size
        if self.num_classes < 1 or not any(layer.kind is Kind.LINEAR for layer in config.encoder):
            raise CheckpointError(
                f"these weights are not told the class: the decoder takes {config.decoder[0].size_in} numbers for a "
                f"latent of {config.latent_size}, and the encoder has the layers "
                f"{', '.join(str(layer) for layer in config.encoder)}: a linear one must take it; without classes "
                'the architecture is "vae"'
            )
        super().__init__(config)

    def one_hot(self, label_B: Tensor) -> Tensor:
        """Map classes to (B, N): 1 at the class, 0 elsewhere."""
        classes_N = torch.arange(self.num_classes, device=label_B.device)
        return (label_B[:, None] == classes_N).float()

    def encode_class(self, x_BCHW: Tensor, label_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures and their classes to mean and log variance (B, D) of q(z|x, y)."""
        h_BF = F.relu(self.encoder(x_BCHW, self.one_hot(label_B))).flatten(1)
        return self.heads(h_BF)

    def decode_class(self, z_BD: Tensor, label_B: Tensor) -> Tensor:
        """Map latents and classes to the mean of p(x|z, y), (B, C, H, W)."""
        return self.decode(torch.cat((z_BD, self.one_hot(label_B)), dim=1))


def build(state: Mapping[str, Tensor]) -> ConditionalVAE:
    """Build the network with the layers that the checkpoint has under "encoder" and "decoder", and two heads.

    Raises:
        CheckpointError: the layers do not draw a square picture, or are not told the class.
    """
    return ConditionalVAE(vae.config_of(state, USUAL))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, ConditionalVAE)
    config, num_classes = network.config, network.num_classes
    return latent_model(
        (
            encoder_graph(
                Method(network, network.encode_class), config.pictures, variational=True, num_labels=num_classes
            ),
            decoder_graph(Method(network, network.decode_class), config.latent_size, num_labels=num_classes),
        ),
        config.pictures,
        parts=(normal(config.latent_size),),
        description=f"A variational autoencoder of {num_classes} classes, with {config.latent_size} latent dimensions.",
        config={**vae.sizes_of(config), "num_classes": num_classes},
        class_names=[str(index) for index in range(num_classes)],
    )
