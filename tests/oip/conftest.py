"""One server with a repository of small graphs, for every test of this folder that calls one."""

from collections.abc import Iterator

import pytest
from onnx import TensorProto, helper
from podium_server.elements import ELEMENTS

from tests.oip import graphs
from tests.oip.running import Running, serve


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole server; tests leave its models as they find them."""
    repository = tmp_path_factory.mktemp("repository")
    graphs.store(repository, "simple", graphs.sum_and_difference())
    graphs.store(repository, "simple", graphs.sum_and_difference(), version=3)
    graphs.store(repository, "scaled", graphs.without_batch())
    graphs.store(repository, "sequence", graphs.sequence_out())
    graphs.store(repository, "lookup", graphs.lookup())
    graphs.store(repository, "rounded", graphs.to_bfloat16())
    graphs.store(repository, "broken", b"not a model")
    graphs.store(repository, "spare", graphs.identity(TensorProto.FLOAT, ["n"]))
    for element in ELEMENTS:
        onnx_type = TensorProto.STRING if element.is_string else helper.np_dtype_to_tensor_dtype(element.dtype)
        graphs.store(repository, f"same-{element.oip}", graphs.identity(onnx_type, ["n", None]))
        graphs.store(repository, f"scalar-{element.oip}", graphs.identity(onnx_type, []))
    with serve(repository, sessions=1, threads=1, max_batch_rows=8) as running:
        yield running
