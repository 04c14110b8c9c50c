"""The protocol's messages: right on the wire, and in nobody's way."""

import subprocess
import sys

import pytest
from podium_server.oip import messages


@pytest.mark.parametrize("other", ["tritonclient.grpc", "kserve"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_other_definitions_of_the_package_can_be_imported(other: str, first: bool) -> None:
    """In one process, in either order; the default pool would take only one."""
    imports = [f"import {other}", "from podium_server.oip.messages import ModelInferRequest"]
    code = "; ".join([*(imports if first else reversed(imports)), "print(ModelInferRequest(id='x').id)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("x")


def test_field_numbers_are_the_protocols() -> None:
    """The same in the protocol's own definition, KServe's and Triton's."""

    def numbers(message: str) -> dict[str, int]:
        return {f.name: f.number for f in messages.DESCRIPTOR.message_types_by_name[message].fields}

    assert numbers("ModelInferRequest") == {
        "model_name": 1,
        "model_version": 2,
        "id": 3,
        "parameters": 4,
        "inputs": 5,
        "outputs": 6,
        "raw_input_contents": 7,
    }
    assert numbers("ModelInferResponse") == {
        "model_name": 1,
        "model_version": 2,
        "id": 3,
        "parameters": 4,
        "outputs": 5,
        "raw_output_contents": 6,
    }
    assert numbers("InferTensorContents") == {
        "bool_contents": 1,
        "int_contents": 2,
        "int64_contents": 3,
        "uint_contents": 4,
        "uint64_contents": 5,
        "fp32_contents": 6,
        "fp64_contents": 7,
        "bytes_contents": 8,
    }


def test_enums_have_their_names_and_values() -> None:
    """As the generated types in `messages.pyi` say."""
    assert messages.DataType.Name(messages.TYPE_FP32) == "TYPE_FP32"
    assert messages.ModelInstanceGroup.Kind.Value("KIND_CPU") == messages.ModelInstanceGroup.KIND_CPU
