"""Writes a package's next version, with a direction more: the same files, another manifest.

The graphs and golden examples are copied byte for byte, so what was checked of them holds.
"""

import shutil
from pathlib import Path

from podium.v1 import model_manifest_pb2 as pb

from podium_export.digest import sha256_of
from podium_export.errors import PackageError
from podium_export.inspection.opened import Opened
from podium_export.package import MANIFEST, Destination, publish, staging, write_manifest


def add_direction(package: Opened, direction: pb.LatentDirection, destination: Destination) -> Path:
    """Publish a copy of a version with a direction more; one of the same name is replaced.

    Args:
        package: the version that is copied.
        direction: what is added.
        destination: where the copy goes.

    Raises:
        PackageError: a file is not what the manifest says, or the repository cannot be written.

    Returns:
        The new version's folder.
    """
    assert package.manifest is not None
    manifest = pb.ModelManifest()
    manifest.CopyFrom(package.manifest)
    kept = [known for known in manifest.latent_space.directions if known.name != direction.name]
    del manifest.latent_space.directions[:]
    manifest.latent_space.directions.extend([*kept, direction])
    with staging(destination.repository) as folder:
        for file in manifest.files:
            _copy(package.path / file.name, folder / file.name, file)
        write_manifest(folder, manifest)
        return publish(folder, destination)


def _copy(source: Path, target: Path, digest: pb.FileDigest) -> None:
    """Copy one file, and refuse one that has changed since it was checked."""
    if source.name == MANIFEST or not source.is_file():
        raise PackageError(f"{source}: the manifest names it, and it is not there")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    if sha256_of(target) != digest.sha256:
        raise PackageError(
            f"{source}: has changed since the package was made: its SHA-256 is not the manifest's; export it again"
        )
