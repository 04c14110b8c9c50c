"""Whom a name means, among the versions of its model."""

from podium_server.errors import ModelNotFound, NotReady
from podium_server.model_ref import ModelRef
from podium_server.servable import Servable
from podium_server.served_model import ServedModel
from podium_server.version_entry import VersionEntry, VersionState
from podium_server.versions.route import DEFAULT, Route


def find(model: ServedModel, ref: ModelRef) -> VersionEntry:
    """The version that a name means, whether it answers or not.

    Raises:
        ModelNotFound: no such version or alias, or an alias whose version is gone.
    """
    known = ", ".join(map(str, sorted(model.versions)))
    if ref.version is not None:
        if ref.version not in model.versions:
            raise ModelNotFound(f"model '{ref.name}' has no version {ref.version}; it has {known}")
        return model.versions[ref.version]
    route, alias = _route(model, ref), ref.alias or DEFAULT
    if route is None:
        if alias != DEFAULT:
            raise ModelNotFound(model.decisions.no_alias(alias))
        return model.default or model.versions[max(model.versions)]
    if route.version not in model.versions:
        raise ModelNotFound(
            f"model '{ref.name}' has no version {route.version} any more, which its alias '{alias}' means; it has "
            f"{known}: publish it again, or move the alias"
        )
    return model.versions[route.version]


def choose(model: ServedModel, ref: ModelRef, key: str) -> VersionEntry:
    """The version that a call goes to: the name's, or for its share of the calls a candidate that answers.

    Args:
        model: the name's model.
        ref: the name.
        key: decides who belongs to the share.

    Raises:
        ModelNotFound: as `find`.
        NotReady: it does not answer.
    """
    entry, route = find(model, ref), _route(model, ref)
    if route is not None and route.canary is not None and route.canary.takes(f"{ref.name} {key}"):
        candidate = model.versions.get(route.canary.version)
        entry = candidate if candidate is not None and candidate.answers else entry
    if not entry.answers:
        raise not_ready(ref.name, entry)
    return entry


def shadow_of(model: ServedModel, ref: ModelRef, key: str, answering: VersionEntry) -> ModelRef | None:
    """The candidate that a call is copied to, if it is: one that is in memory, and is not who answers."""
    route = _route(model, ref)
    if route is None or route.shadow is None or not route.shadow.takes(f"{ref.name} {key} shadow"):
        return None
    candidate = model.versions.get(route.shadow.version)
    if candidate is None or candidate is answering or candidate.state is not VersionState.READY:
        return None
    return ModelRef(ref.name, candidate.version)


def answering(name: str, entry: VersionEntry) -> Servable:
    """What answers at once.

    Raises:
        NotReady: the version does not.
    """
    if entry.state is VersionState.READY and entry.servable is not None:
        return entry.servable
    raise not_ready(name, entry)


def not_ready(name: str, entry: VersionEntry) -> NotReady:
    """The error of a version that does not answer."""
    return NotReady(
        f"model '{name}' version {entry.version} is {entry.state.name.lower()}"
        + (f": {entry.reason}" if entry.reason else "; send the request again later")
    )


def _route(model: ServedModel, ref: ModelRef) -> Route | None:
    """Where the calls of a name go that names no version."""
    return model.aliases.get(ref.alias or DEFAULT) if ref.version is None else None
