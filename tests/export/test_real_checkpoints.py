"""Every published checkpoint at hand is read as its README says, or refused for the reason that it gives."""

from pathlib import Path

import pytest
from podium_export.checkpoint import load_checkpoint
from podium_export.errors import CheckpointError


@pytest.mark.parametrize(
    ("file", "key", "shape"),
    [
        ("image-classification/lenet5-mnist.pth", "convnet.c1.weight", (6, 1, 5, 5)),
        ("image-classification/resnet20-cifar10-12fca82f.th", "linear.weight", (10, 64)),
        ("vae-gan/vae-mnist-mlp.pth", "fc21.weight", (20, 400)),
        ("vae-gan/gan-mnist-mlp-G.ckpt", "0.weight", (256, 64)),
        ("vae-gan/btcvae_celeba.pt", "encoder.mu_logvar_gen.weight", (20, 256)),
        ("vae-gan/jointvae-mnist.pt", "img_to_features.0.weight", (32, 1, 4, 4)),
        ("vae-gan/cgan-mnist-G.pt", "latent.0.weight", (6272, 100)),
        ("machine-translation/cn2en-gru.safetensors", "encoder.embedding.weight", (3277, 256)),
        ("machine-translation/g2p-en-gru.safetensors", "dec_emb", (74, 256)),
        ("text-generation/charlstm-shakespeare.safetensors", "embedding.weight", (65, 128)),
        ("latent-ode/latent-ode-physionet2012.safetensors", "classifier.0.weight", (300, 20)),
        ("video-classification/finger-gesture-mlp.safetensors", "dense.weight", (24, 32)),
    ],
)
def test_published_weights_are_found(data: Path, file: str, key: str, shape: tuple[int, ...]) -> None:
    """Legacy and zip, nested, prefixed, saved on CUDA: keys are the network's own and tensors lie on the CPU."""
    state = load_checkpoint(data / file).state
    assert tuple(state[key].shape) == shape
    assert {tensor.device.type for tensor in state.values()} == {"cpu"}
    assert not any(key.startswith("module.") for key in state)


def test_the_checkpoint_with_its_arguments_is_refused(data: Path) -> None:
    """weights_only=True reads no argparse.Namespace; the class is named, and the key to save."""
    said = r'asks for argparse\.Namespace(.|\n)*checkpoint\["state_dict"\]'
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(data / "latent-ode" / "latent-ode-physionet2012.ckpt")
