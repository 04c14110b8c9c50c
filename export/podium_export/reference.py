"""The network as PyTorch runs it: what the written graph is compared with."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from podium_export.architecture import GraphBlueprint
from podium_export.chance import RefuseChance, calling_line
from podium_export.errors import FrozenAxis, NetworkError
from podium_export.trials import Array, Trial


def reference_outputs(graph: GraphBlueprint, trial: Trial) -> list[Array]:
    """Run the network in PyTorch, in evaluation mode and on the CPU.

    Raises:
        TrainingMode: it calls something that still behaves as in training.
        NetworkError: it fails, draws random numbers, or returns something else than tensors.
        FrozenAxis: an output has another number of rows than the inputs.
    """
    outputs = _run(graph, trial, [torch.from_numpy(array) for array in trial.inputs])
    if len(outputs) != len(graph.outputs):
        raise NetworkError(
            f'graph "{graph.name}": outputs named: {len(graph.outputs)}, returned by the network: '
            f"{len(outputs)}; name each of them, in the order of `forward` (--output, podium_outputs)"
        )
    arrays = [output.detach().cpu().numpy() for output in outputs]
    _check_rows(graph, trial, arrays)
    return arrays


def double_outputs(graph: GraphBlueprint, module: nn.Module, trial: Trial) -> list[Array]:
    """Run a double-precision copy of the network: where float32 rounds badly, this is the better reference."""
    inputs = [torch.from_numpy(array) for array in trial.inputs]
    wide = [array.double() if array.is_floating_point() else array for array in inputs]
    with evaluation(module), torch.inference_mode():
        return [output.numpy() for output in _flatten(module(*wide))]


def _run(graph: GraphBlueprint, trial: Trial, inputs: Sequence[Tensor]) -> list[Tensor]:
    try:
        with evaluation(graph.module), torch.inference_mode(), RefuseChance():
            return _flatten(graph.module(*inputs))
    except NetworkError:
        raise
    except Exception as error:
        shapes = ", ".join(
            f"{spec.name} {tuple(array.shape)}" for spec, array in zip(graph.inputs, inputs, strict=True)
        )
        raise NetworkError(
            f'graph "{graph.name}": the network itself fails at {trial} ({shapes}): '
            f"{type(error).__name__}: {_first_lines(str(error))}{calling_line(error)}\n{_advice(error)}"
        ) from error


def _advice(error: Exception) -> str:
    """Say what usually helps."""
    if isinstance(error, IndexError):
        return (
            "Where an input holds indices, its bounds are the lowest and the highest that occur, both included: "
            "ids:int64:batch,time:0,9 for a table of ten rows."
        )
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "Describe every input of forward, in its order: an --input each, or podium_inputs."
    return (
        "A size that the code holds as a number (such as view(4, -1)) must be taken from the input (x.flatten(1), "
        "x.shape[0]); lengths that suit the network are set with --axis NAME=LENGTH,LENGTH."
    )


@contextmanager
def evaluation(module: nn.Module) -> Generator[None]:
    """Hold a module and all that it contains in evaluation mode, then put each back as it was."""
    was_training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in was_training:
            part.training = True


def _check_rows(graph: GraphBlueprint, trial: Trial, outputs: Sequence[Array]) -> None:
    if graph.batch_axis not in trial.axes:
        return
    batch = trial.axes[graph.batch_axis]
    for spec, output in zip(graph.outputs, outputs, strict=True):
        axes = None if isinstance(spec, str) else spec.shape
        place = axes.index(graph.batch_axis) if axes and graph.batch_axis in axes else 0
        if output.ndim <= place or output.shape[place] != batch:
            name = spec if isinstance(spec, str) else spec.name
            raise FrozenAxis(
                f'graph "{graph.name}", output "{name}": its shape is {output.shape} for a batch of {batch}; '
                f"axis {place} must be the batch, one row a row of the inputs"
            )


def _flatten(outputs: Any) -> list[Tensor]:
    """List the tensors that a network returned, in the order in which the converter numbers them."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if isinstance(outputs, list | tuple):
        return [tensor for output in outputs for tensor in _flatten(output)]
    raise NetworkError(f"the network returns {type(outputs).__name__}: it must return a tensor or a tuple of tensors")


def _first_lines(text: str, count: int = 3) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[:count])
