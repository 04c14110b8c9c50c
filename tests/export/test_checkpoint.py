"""Checkpoints as people have them: read without running code, or refused with what to do."""

import argparse
import contextlib
import pathlib
import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from podium_export.checkpoint import load_checkpoint
from podium_export.errors import CheckpointError, OptionError
from podium_export.pickles import wanted_classes
from safetensors.torch import save_file
from torch import Tensor, nn

WEIGHTS = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.tensor([1.0, -1.0])}


def _same(state: Any, expected: dict[str, Tensor] = WEIGHTS) -> bool:
    return set(state) == set(expected) and all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".th", ".tar", ".ckpt", ".bin"])
@pytest.mark.parametrize("zipped", [True, False])
def test_reads_both_containers_under_any_suffix(tmp_path: Path, suffix: str, zipped: bool) -> None:
    """The content decides what a file is; zip and legacy pickle give the same tensors under every name."""
    path = tmp_path / f"net{suffix}"
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=zipped)
    assert _same(load_checkpoint(path).state)


def test_reads_safetensors_under_any_name(tmp_path: Path) -> None:
    """A safetensors file is known by its header."""
    for name in ("net.safetensors", "net.pt"):
        save_file(WEIGHTS, tmp_path / name)
        assert _same(load_checkpoint(tmp_path / name).state)


@pytest.mark.parametrize(
    "content",
    [
        OrderedDict(WEIGHTS),
        {"state_dict": WEIGHTS, "epoch": 3, "best_acc": 0.9},
        {"model_state_dict": WEIGHTS, "optimizer_state_dict": {"state": {0: {"m": torch.ones(2)}}, "param_groups": []}},
        {"model": WEIGHTS, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "loss": torch.tensor(0.5)},
        {"net": WEIGHTS, "acc": 91.0},
        {"netG_state_dict": WEIGHTS, "netD_state_dict": {"d": torch.ones(1)}},
        {"my_special_network": WEIGHTS, "lr_scheduler": {"last": torch.ones(1)}},
        {"model": {"state_dict": WEIGHTS}},
        [{"width": 3}, WEIGHTS],
        {f"module.{key}": tensor for key, tensor in WEIGHTS.items()},
        {f"_orig_mod.{key}": tensor for key, tensor in WEIGHTS.items()},
        {f"module._orig_mod.{key}": tensor for key, tensor in WEIGHTS.items()},
        {"state_dict": {f"module.{key}": tensor for key, tensor in WEIGHTS.items()}},
    ],
)
def test_finds_the_weights_wherever_training_scripts_put_them(tmp_path: Path, content: Any) -> None:
    """Nesting, an optimizer beside the weights and wrappers' prefixes make no difference."""
    torch.save(content, tmp_path / "net.pth")
    assert _same(load_checkpoint(tmp_path / "net.pth").state)


def test_joins_parts_that_are_saved_side_by_side(tmp_path: Path) -> None:
    """Encoder and decoder saved under two keys become one state with these as prefixes."""
    parts = {"encoder": {"w": torch.ones(1)}, "decoder": {"w": torch.zeros(1)}, "learning_rate": 0.1}
    torch.save(parts, tmp_path / "net.pth")
    assert set(load_checkpoint(tmp_path / "net.pth").state) == {"encoder.w", "decoder.w"}


def test_goes_where_the_caller_says(tmp_path: Path) -> None:
    """With a key named, weights are taken from there though a usual place has some too."""
    torch.save({"model": {"w": torch.zeros(1)}, "ema": {"shadow": WEIGHTS}}, tmp_path / "net.pth")
    assert _same(load_checkpoint(tmp_path / "net.pth", key="ema.shadow").state)
    with pytest.raises(CheckpointError, match=r'no key "average".*"model" \(dict\), "ema" \(dict\)'):
        load_checkpoint(tmp_path / "net.pth", key="average")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_brings_floats_to_single_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    """Half precision and double become float32; counters stay integers."""
    torch.save({"w": torch.tensor([0.5, -2.0], dtype=dtype), "n": torch.tensor(7)}, tmp_path / "net.pth")
    state = load_checkpoint(tmp_path / "net.pth").state
    assert state["w"].dtype == torch.float32
    assert state["w"].tolist() == [0.5, -2.0]
    assert state["n"].dtype == torch.int64


def test_takes_parameters_as_tensors(tmp_path: Path) -> None:
    """A dictionary of nn.Parameter loads as plain tensors without gradients."""
    torch.save({"w": nn.Parameter(torch.ones(2))}, tmp_path / "net.pth")
    assert not load_checkpoint(tmp_path / "net.pth").state["w"].requires_grad


def test_records_the_digest_of_the_file(tmp_path: Path) -> None:
    """The SHA-256 is the file's: that of the three bytes "abc" is in FIPS 180-2."""
    from podium_export.digest import sha256_of

    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS pointer.*git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page.*download the raw file"),
        (b"<html>404</html>", "web page"),
        (b'{"error": "rate limit"}', "JSON"),
        (b"\x1f\x8b\x08\x00 whatever", "gzip.*gunzip"),
        (b"\x89HDF\r\n\x1a\n rest", "HDF5.*Keras"),
        (b"GGUF rest", "GGUF"),
        (b"hello, world", "not a checkpoint that podium knows"),
        (b"\x80\x02}q\x00(X\x04\x00\x00\x00", "cut short or damaged"),
        (b"PK\x03\x04 and then nothing", "cut short"),
    ],
)
def test_refuses_what_is_no_checkpoint(tmp_path: Path, content: bytes, said: str) -> None:
    """Each kind of wrong file is named for what it is, with what to do."""
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(path)


def test_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    """A path that holds no file is said to."""
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_checkpoint(tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="not a file"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_refuses_a_cut_file(tmp_path: Path, zipped: bool, part: float) -> None:
    """A copy that broke off is told from a whole file, in both containers."""
    path = tmp_path / "net.pth"
    torch.save({"w": torch.randn(100, 100)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(CheckpointError, match=r"cut short.*again"):
        load_checkpoint(path)


def test_refuses_a_cut_safetensors_file(tmp_path: Path) -> None:
    """A safetensors file whose tensors are cut off is told so."""
    path = tmp_path / "net.safetensors"
    save_file({"w": torch.randn(100)}, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=r"cut or damaged.*again"):
        load_checkpoint(path)
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(CheckpointError, match="not a safetensors file, or cut short"):
        load_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_refuses_a_pickle_that_needs_code(tmp_path: Path, zipped: bool) -> None:
    """The class that the pickle asks for is named, and how to save the weights alone."""
    path = tmp_path / "run.ckpt"
    content = {"args": argparse.Namespace(lr=0.1), "state_dict": WEIGHTS}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    said = r'argparse\.Namespace.*\n.*weights_only=False\)\n.*checkpoint\["state_dict"\], "run-weights\.pth"'
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_reads_a_holder_of_values_where_told_to(tmp_path: Path, zipped: bool) -> None:
    """The refusal names the flag; with it the weights beside an argparse.Namespace are read, as ever weights alone."""
    path = tmp_path / "run.ckpt"
    content = {"args": argparse.Namespace(lr=0.1), "state_dict": WEIGHTS}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"Or add --allow argparse\.Namespace: it only holds values"):
        load_checkpoint(path)
    assert _same(load_checkpoint(path, allow=["argparse.Namespace"]).state)
    assert argparse.Namespace not in torch.serialization.get_safe_globals()


def test_allows_nothing_but_holders_of_values(tmp_path: Path) -> None:
    """A class that could compute is not allowed, and one that is allowed brings no other along."""
    with pytest.raises(OptionError, match=r"--allow os\.system: .*only holds values: argparse\.Namespace"):
        load_checkpoint(tmp_path / "net.pth", allow=["os.system"])
    trace = tmp_path / "ran"

    class Touch:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    torch.save({"w": torch.ones(1), "args": argparse.Namespace(x=Touch())}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="would run code") as refused:
        load_checkpoint(tmp_path / "net.pth", allow=["argparse.Namespace"])
    assert "--allow" not in str(refused.value)
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_runs_nothing_that_a_pickle_asks_for(tmp_path: Path, zipped: bool) -> None:
    """A pickle that would create a file as it loads is refused, and the file is not there."""
    trace = tmp_path / "ran"

    class Touch:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    torch.save({"w": torch.ones(1), "x": Touch()}, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="would run code"):
        load_checkpoint(tmp_path / "net.pth")
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_refuses_a_whole_module(tmp_path: Path, zipped: bool) -> None:
    """torch.save(model) is told from a state dict, with the line that saves one."""
    path = tmp_path / "net.pt"
    torch.save(nn.Sequential(nn.Linear(2, 2)), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"whole module.*\n.*\n.*model\.state_dict\(\), \"net-weights\.pth\""):
        load_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_tells_a_module_inside_a_dictionary_from_a_whole_one(tmp_path: Path, zipped: bool) -> None:
    """What was saved has no state_dict(): the lines take the weights out by their key."""
    path = tmp_path / "run.pt"
    content = {"state_dict": WEIGHTS, "ema": nn.Sequential(nn.Linear(2, 2))}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r'would run code.*\n.*\n.*checkpoint\["state_dict"\], "run-weights\.pth"'
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_refuses_a_pickle_of_another_writer(tmp_path: Path, protocol: int) -> None:
    """torch.load cannot read it either, so the lines that convert it use pickle; they give a checkpoint."""
    path = tmp_path / "arrays.pkl"
    path.write_bytes(pickle.dumps({name: array.numpy() for name, array in WEIGHTS.items()}, protocol))
    with pytest.raises(CheckpointError, match=r"a pickle that torch\.save did not write") as refusal:
        load_checkpoint(path)

    lines = [line.strip() for line in str(refusal.value).splitlines()[1:]]
    with contextlib.chdir(tmp_path):
        exec("\n".join(lines), {"pathlib": pathlib, "pickle": pickle, "torch": torch})
    assert _same(load_checkpoint(tmp_path / "arrays-weights.pth").state)


@pytest.mark.parametrize("zipped", [True, False])
def test_refuses_a_pickle_protocol_that_pytorch_reads_with_code_alone(tmp_path: Path, zipped: bool) -> None:
    """A whole file is not called damaged; saved again as told, it is read."""
    path = tmp_path / "net.pth"
    torch.save(WEIGHTS, path, pickle_protocol=4, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"saved with pickle protocol 4") as refusal:
        load_checkpoint(path)

    lines = [line.strip() for line in str(refusal.value).splitlines()[1:]]
    with contextlib.chdir(tmp_path):
        exec("\n".join(lines), {"torch": torch})
    assert _same(load_checkpoint(tmp_path / "net-weights.pth").state)


def test_refuses_torchscript_and_foreign_archives(tmp_path: Path) -> None:
    """Zip files that hold programs or arrays are not taken for checkpoints."""
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("net/constants.pkl", b"")
        archive.writestr("net/data.pkl", b"")
    with pytest.raises(CheckpointError, match=r"TorchScript.*\n.*torch\.jit\.load"):
        load_checkpoint(tmp_path / "script.pt")
    np.savez(tmp_path / "arrays.npz", a=np.ones(2))
    with pytest.raises(CheckpointError, match=r"PyTorch did not write; it holds a\.npy"):
        load_checkpoint(tmp_path / "arrays.npz")


def test_refuses_a_checkpoint_without_tensors(tmp_path: Path) -> None:
    """What is in it is said instead."""
    torch.save({"epoch": 3, "name": "mine"}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r'no weights.*"epoch" \(int\), "name" \(str\)'):
        load_checkpoint(tmp_path / "net.pth")
    torch.save(torch.ones(2, 3), tmp_path / "one.pth")
    with pytest.raises(CheckpointError, match=re.escape("one tensor of shape (2, 3) without a name")):
        load_checkpoint(tmp_path / "one.pth")


def test_lists_the_classes_that_a_pickle_wants(tmp_path: Path) -> None:
    """Looking runs nothing, and PyTorch's own helpers are passed over."""
    torch.save({"w": torch.ones(1), "args": argparse.Namespace()}, tmp_path / "net.pth")
    assert wanted_classes(tmp_path / "net.pth") == ["argparse.Namespace"]
