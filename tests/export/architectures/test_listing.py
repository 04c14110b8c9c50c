"""The list of bundled networks."""

import subprocess
import sys

from podium_export.architecture import Architecture
from podium_export.architectures import ARCHITECTURES


def test_every_name_leads_to_an_architecture() -> None:
    """Each entry is what the export expects, under its own name."""
    assert {"lenet5", "efficientnet-lite0", "vae", "dcgan"} <= set(ARCHITECTURES)
    for name, architecture in ARCHITECTURES.items():
        assert isinstance(architecture, Architecture)
        assert architecture.name == name


def test_listing_does_not_load_pytorch() -> None:
    """`podium export --help` answers at once."""
    code = "import sys, podium_export.architectures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
