"""`faces`: a DCGAN of faces in colour, out of a registry package."""

from dataclasses import replace

from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Published, Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.registry_package import RegistryFile

WEIGHTS = RegistryFile(
    package="gan_face_generate",
    version="1.1.1",
    path="gan_face_generate/weights.tar",
    sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
)


def make(destination: Destination, progress: Progress) -> Published:
    """Fetch, export."""
    destination.check()
    progress.step("Getting weights (13 MB)")
    weights = WEIGHTS.locate()
    progress.step("Reading the checkpoint")
    architecture = ARCHITECTURES["dcgan"]
    checkpoint = load_checkpoint(weights)
    blueprint = architecture.blueprint(fit_architecture(architecture, checkpoint).network)
    return export_network(
        replace(blueprint, description="Draws faces of people who do not exist, in colour: a DCGAN of DigiFace-1M."),
        Source(architecture.name, checkpoint.file_name, checkpoint.sha256),
        destination,
        progress=progress,
    )
