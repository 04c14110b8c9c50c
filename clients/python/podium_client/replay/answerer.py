"""Who gave an answer: the version by its files, and what it ran on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from podium.v1 import captured_call_pb2 as pb

from podium_client.catalogue import ModelDescription

_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who gave an answer; what nobody told is empty.

    Attributes:
        model: the model's name.
        version: 1 or more; 0: not known.
        model_digest: names the version by its files: 64 hexadecimal digits.
        execution_provider: such as "CPUExecutionProvider".
        machine: its kind, such as "x86_64".
        runtime_versions: of what an answer may depend on, by name.
    """

    model: str = ""
    version: int = 0
    model_digest: str = ""
    execution_provider: str = ""
    machine: str = ""
    runtime_versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        digest = f" ({self.model_digest[:_SHOWN_DIGITS]})" if self.model_digest else ""
        versions = ", ".join(f"{name} {self.runtime_versions[name]}" for name in sorted(self.runtime_versions))
        where = ", ".join(part for part in (self.execution_provider, self.machine) if part)
        return (
            f"{self.model}/{self.version or '?'}{digest}"
            + (f" on {where}" if where else "")
            + (f" ({versions})" if versions else "")
        )

    def changed_since(self, then: "Answerer") -> list[str]:
        """Say in words what is another than it was, among what is known of both."""
        changes = [
            f"{what} {new} instead of {old}" for what, old, new in self._pairs(then) if old and new and old != new
        ]
        if self.model_digest and then.model_digest and self.model_digest != then.model_digest:
            changes.insert(0, "the model's files are others")
        return changes

    def _pairs(self, then: "Answerer") -> Iterator[tuple[str, str, str]]:
        """What is compared, as it was and as it is."""
        yield "provider", then.execution_provider, self.execution_provider
        yield "machine", then.machine, self.machine
        for name in sorted(then.runtime_versions):
            yield name, then.runtime_versions[name], self.runtime_versions.get(name, "")


def who_answered(kept: pb.CapturedCall) -> Answerer:
    """Read who answered a captured call."""
    return Answerer(
        kept.model,
        kept.version,
        kept.model_digest,
        kept.execution_provider,
        kept.machine,
        dict(kept.runtime_versions),
    )


def who_is_described(description: ModelDescription) -> Answerer:
    """Read who answers, from what the server says of the version."""
    return Answerer(
        description.name,
        description.version.version,
        description.digest,
        description.version.execution_provider,
        description.machine,
        description.runtime_versions,
    )
