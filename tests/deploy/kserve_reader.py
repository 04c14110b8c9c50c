"""Reads podium's KServe documents into KServe's own models; a program, for it registers what tritonclient does too.

Arguments: a file and the model's name. Exit status 0 when the document is one.
"""

import sys
from pathlib import Path
from typing import Any

import kserve
import yaml
from kubernetes.client import ApiClient


class Client(ApiClient):
    """Reads documents into KServe's models; a name that none of them has is an error."""

    def read(self, content: Any, kind: str) -> Any:
        """Read a document."""
        return self._read(content, getattr(kserve, kind))

    def _read(self, content: Any, kind: Any) -> Any:
        known = set(kind.attribute_map.values())
        assert set(content) <= known, f"{kind.__name__} knows no {set(content) - known}"
        values: dict[str, Any] = {}
        for attribute, name in kind.attribute_map.items():
            if name in content:
                inner = getattr(kserve, kind.openapi_types[attribute], None)
                value = content[name]
                values[attribute] = self._read(value, inner) if inner and isinstance(value, dict) else value
        return kind(**values)


if __name__ == "__main__":
    content = yaml.safe_load(Path(sys.argv[1]).read_text())
    document = Client().read(content, sys.argv[2])
    assert document.metadata is not None or content["metadata"]
