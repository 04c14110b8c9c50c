"""One digest for a whole version, so that two machines can tell whether they serve the same."""

import hashlib

from podium.v1 import model_manifest_pb2 as pb


def model_digest(manifest: pb.ModelManifest) -> str:
    """Name a version by the digests of its files, as 64 hexadecimal digits; empty where its manifest lists none."""
    files = sorted((file.name, file.sha256) for file in manifest.files)
    lines = "".join(f"{digest}  {name}\n" for name, digest in files)
    return hashlib.sha256(lines.encode()).hexdigest() if lines else ""
