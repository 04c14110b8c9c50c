"""A network of the user's own: a factory in a module that Python can import from the current folder."""

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec
from podium_export.architectures.step_model import State
from podium_export.checkpoint import Checkpoint
from podium_export.elements import PROTO_BY_NUMPY
from podium_export.errors import CheckpointError, NetworkError, OptionError
from podium_export.fitting import fit
from podium_export.options import Choices
from podium_export.own_step_network import own_step_blueprint
from podium_export.preprocessing import input_shape, preprocessing_of


def own_network(place: str, checkpoint: Checkpoint) -> nn.Module:
    """Call the factory and load the checkpoint into what it makes.

    Args:
        place: "package.module:factory"; the factory takes nothing and returns an `nn.Module`.
        checkpoint: the weights.

    Raises:
        OptionError: there is no such module or factory.
        NetworkError: the module or the factory fails, or makes something else.
        CheckpointError: the weights do not fit.
    """
    factory = _factory(place)

    def build(_: object) -> nn.Module:
        try:
            network = factory()
        except Exception as error:
            raise NetworkError(f"--module {place}: the factory failed: {_where(error)}") from error
        if not isinstance(network, nn.Module):
            raise NetworkError(
                f"--module {place}: the factory returned {type(network).__name__}: it must return an nn.Module"
            )
        return network

    try:
        return fit(checkpoint.state, build, place).network
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.file_name}: {error}") from error


def own_blueprint(
    network: nn.Module,
    choices: Choices,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    states: Sequence[str] = (),
) -> Blueprint:
    """Describe a network of the user's own.

    The network may say all itself in `podium_blueprint` (a `Blueprint`, or a method that returns one), its inputs and
    outputs in `podium_inputs` and `podium_outputs`, or, where it writes tokens, its states in `podium_states`; the
    command line goes before these.

    Raises:
        OptionError: its inputs or states are not described, or not rightly.
        NetworkError: a network that writes tokens fails on one, or gives no logits.
    """
    whole = getattr(network, "podium_blueprint", None)
    if whole is not None and not (inputs or outputs or states):
        return _own_words(whole)
    if choices.task in (None, "text-generation"):
        declared = states or cast("Sequence[Any]", getattr(network, "podium_states", ()))
        remembered = [_state(item) for item in declared]
        if remembered and not (inputs or outputs):
            return own_step_blueprint(network, remembered)
    if states or choices.task == "text-generation":
        raise OptionError(
            "--task text-generation needs the network's states, and neither --input nor --output: give --state "
            "hidden:float32:batch,256 for each, in the order of forward, or set podium_states on the network"
        )
    return _stateless_blueprint(network, choices, inputs, outputs)


def _own_words(whole: Any) -> Blueprint:
    """Take what a network says of itself, or what its method gives."""
    blueprint = whole() if callable(whole) else whole
    if not isinstance(blueprint, Blueprint):
        raise OptionError(
            f"podium_blueprint is {type(blueprint).__name__}: it must be a podium_export.architecture.Blueprint, "
            "or a method that returns one"
        )
    return blueprint


def _stateless_blueprint(
    network: nn.Module, choices: Choices, inputs: Sequence[str], outputs: Sequence[str]
) -> Blueprint:
    """Describe a network that remembers nothing from run to run."""
    classifies = choices.task == "classification"
    specs = tuple(_spec(item) for item in inputs or cast("Sequence[Any]", getattr(network, "podium_inputs", ())))
    if not specs and classifies:
        specs = (InputSpec("image", "float32", input_shape(preprocessing_of(choices.images))),)
    if not specs:
        raise OptionError(
            "the network's inputs are not described: give --input name:float32:batch,3,32,32 for each, in the order "
            "of forward, or --task classification with --image-size and --color, or set podium_inputs on the network"
        )
    names = tuple(outputs or cast("Sequence[str]", getattr(network, "podium_outputs", ())))
    graph = GraphBlueprint(
        network,
        specs,
        names or (("scores",) if classifies else ("output",)),
        batch_axis="batch" if any("batch" in spec.shape for spec in specs) else "",
    )
    return Blueprint((graph,), pb.TASK_IMAGE_CLASSIFICATION if classifies else pb.TASK_TENSOR)


def parse_input(text: str, option: str = "--input") -> InputSpec:
    """Read an input from "name:type:shape" or "name:type:shape:low,high", as in "ids:int64:batch,time:0,64".

    Raises:
        OptionError: the text is something else.
    """
    parts = text.split(":")
    if len(parts) not in (3, 4):
        raise OptionError(
            f'{option} "{text}": must be name:type:shape, as in image:float32:batch,3,32,32, or '
            "name:type:shape:low,high, as in ids:int64:batch,time:0,64"
        )
    name, element_type, axes = parts[:3]
    if element_type not in PROTO_BY_NUMPY:
        raise OptionError(f'{option} "{text}": type "{element_type}" is none of {", ".join(PROTO_BY_NUMPY)}')
    try:
        low, high = [float(bound) for bound in parts[3].split(",")] if len(parts) == 4 else (None, None)
    except ValueError as error:
        raise OptionError(f'{option} "{text}": the bounds "{parts[3]}" must be two numbers, as in 0,64') from error
    shape = tuple(_axis(f'{option} "{text}"', axis.strip()) for axis in axes.split(","))
    return InputSpec(name, element_type, shape, low, high)


def _axis(where: str, axis: str) -> int | str:
    if axis.isdigit() and int(axis) > 0:
        return int(axis)
    if axis.isidentifier():
        return axis
    raise OptionError(
        f'{where}: axis "{axis}" must be a length of 1 or more, or the name of a dynamic axis such as batch'
    )


def _spec(item: Any) -> InputSpec:
    if isinstance(item, InputSpec):
        np.dtype(item.element_type)
        return item
    if isinstance(item, str):
        return parse_input(item)
    raise OptionError(f"podium_inputs holds {type(item).__name__}: each must be an InputSpec or a str as --input takes")


def _state(item: Any) -> State:
    if isinstance(item, State):
        return item
    if isinstance(item, str):
        spec = parse_input(item, "--state")
        return State(spec.name, spec.shape, element_type=spec.element_type, low=spec.low, high=spec.high)
    raise OptionError(f"podium_states holds {type(item).__name__}: each must be a State, or a str as --state takes")


def _factory(place: str) -> Callable[[], object]:
    module_name, _, attribute = place.partition(":")
    if not module_name or not attribute:
        raise OptionError(f'--module "{place}": must be package.module:factory, as in nets.mine:make')
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise OptionError(
                f'--module {place}: there is no module "{error.name}" in {here} or where Python looks: run the '
                "command in the folder that holds it"
            ) from error
        raise NetworkError(f"--module {place}: importing it failed: {_where(error)}") from error
    except Exception as error:
        raise NetworkError(f"--module {place}: importing it failed: {_where(error)}") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        found = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise OptionError(
            f'--module {place}: {module_name} has no function or class "{attribute}"; it has {", ".join(found[:12])}'
        )
    return cast("Callable[[], object]", factory)


def _where(error: BaseException) -> str:
    """Say an exception with the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.filename} line {frame.lineno})"
