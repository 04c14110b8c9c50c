"""Every ONNX file that ONNX Runtime runs and the protocol can carry: the 1,884 cases of onnx itself, and real files.

Each case is loaded, described, run and unloaded by gRPC calls to a whole server.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grpc import RpcError, StatusCode
from podium_server import warmup
from podium_server.elements import BY_OIP
from podium_server.oip import messages as oip

from tests.oip import graphs
from tests.oip.deviations import DEVIATIONS
from tests.oip.onnx_cases import Caller, collect, difference, loads_alone, run_alone
from tests.oip.running import serve

SHARED_ONNX = Path(__file__).parents[3] / "shared" / "data" / "onnx"


@dataclass(slots=True)
class Outcomes:
    """What became of each case, by name.

    Attributes:
        not_loaded: the server does not load them, and says why.
        not_carried: they have sequences, optionals or exotic numbers; how a call was refused.
        right: they give what they expect.
        wrong: they do not; how.
        answers: of the wrong ones, where there are any.
    """

    not_loaded: dict[str, str] = field(default_factory=dict[str, str])
    not_carried: dict[str, RpcError] = field(default_factory=dict[str, RpcError])
    right: set[str] = field(default_factory=set[str])
    wrong: dict[str, str] = field(default_factory=dict[str, str])
    answers: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    @property
    def loaded(self) -> set[str]:
        """Those that the server loads."""
        return self.right | set(self.wrong) | set(self.not_carried)


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    """ONNX's cases by name."""
    return {case.name: case for case in collect()}


@pytest.fixture(scope="module")
def outcomes(cases: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Serve every case once."""
    repository = tmp_path_factory.mktemp("cases")
    outcomes = Outcomes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warmup, "MEASURE_S", 0.0)  # how quickly these run is not the question
        with serve(repository, sessions=1, threads=1, max_batch_rows=1) as running:
            caller = Caller(running.address)
            for number, case in enumerate(cases.values()):
                model = f"case-{number}"
                graphs.store(repository, model, case.model.SerializeToString())
                _serve(caller, model, case, outcomes)
            caller.close()
    return outcomes


def _serve(caller: Caller, model: str, case: Any, outcomes: Outcomes) -> None:
    """Load, describe, run and unload one case."""
    reason = caller.load(model)
    if reason:
        outcomes.not_loaded[case.name] = reason
        return
    metadata = caller.call("ModelMetadata", oip.ModelMetadataRequest(name=model))
    if any(tensor.datatype not in BY_OIP for tensor in (*metadata.inputs, *metadata.outputs)):
        with pytest.raises(RpcError) as refusal:
            caller.call("ModelInfer", oip.ModelInferRequest(model_name=model))
        outcomes.not_carried[case.name] = refusal.value
    else:
        _run(caller, model, case, metadata, outcomes)
    caller.unload(model)


def _run(caller: Caller, model: str, case: Any, metadata: oip.ModelMetadataResponse, outcomes: Outcomes) -> None:
    for inputs, expected in case.data_sets:
        try:
            answers = caller.infer(model, metadata, inputs)
        except RpcError as error:
            outcomes.wrong[case.name] = str(error)
            return
        wrong = difference(answers, expected, case.rtol, case.atol)
        if wrong:
            outcomes.wrong[case.name], outcomes.answers[case.name] = wrong, answers
            return
    outcomes.right.add(case.name)


@pytest.mark.conformance
@pytest.mark.timeout(600)
def test_every_case_that_loads_is_served_as_it_expects(
    cases: dict[str, Any], outcomes: Outcomes, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that ONNX Runtime loads and the protocol carries come out right, but for those that are named."""
    num_carried = len(outcomes.right) + len(outcomes.wrong)
    with capsys.disabled():
        print(
            f"\n{len(cases)} cases: ONNX Runtime loads {len(outcomes.loaded)}, the protocol carries {num_carried}, "
            f"{len(outcomes.right)} come out right, {len(outcomes.wrong)} deviate in ONNX Runtime itself"
        )
    assert num_carried > 1500
    unexpected = {name: wrong for name, wrong in outcomes.wrong.items() if name not in DEVIATIONS}
    assert not unexpected


@pytest.mark.conformance
def test_what_does_not_load_does_not_load_in_onnx_runtime_alone(cases: dict[str, Any], outcomes: Outcomes) -> None:
    """The server refuses no model that its runtime takes, and takes none that it refuses."""
    alone = {name for name, case in cases.items() if not loads_alone(case.model.SerializeToString())}
    assert set(outcomes.not_loaded) == alone


@pytest.mark.conformance
def test_what_cannot_be_carried_is_refused_with_its_reason(outcomes: Outcomes) -> None:
    """UNIMPLEMENTED, naming the tensor and its type."""
    for error in outcomes.not_carried.values():
        refusal: Any = error
        assert refusal.code() is StatusCode.UNIMPLEMENTED
        assert "which this protocol cannot carry" in refusal.details()


@pytest.mark.conformance
def test_deviations_are_onnx_runtimes_own(cases: dict[str, Any], outcomes: Outcomes) -> None:
    """ONNX Runtime alone gives the same other bits, or fails too."""
    for name in outcomes.wrong:
        case = cases[name]
        ((inputs, expected),) = case.data_sets
        answers = outcomes.answers.get(name)
        if answers is None:
            with pytest.raises(Exception, match="Non-zero status code"):
                run_alone(case.model.SerializeToString(), inputs)
            continue
        alone = run_alone(case.model.SerializeToString(), inputs)
        assert difference(alone, expected, case.rtol, case.atol), name
        if not DEVIATIONS[name].random:
            same = [np.array_equal(x, y, equal_nan=True) for x, y in zip(alone, answers, strict=True)]
            assert all(same), name


def test_published_files_are_served(tmp_path: Path) -> None:
    """Files of other makers: names with ":", fixed batches, big graphs; what does not load says why."""
    if not SHARED_ONNX.is_dir():
        pytest.skip("needs ../shared/data/onnx")
    files = {file.stem: file for file in sorted(SHARED_ONNX.glob("*.onnx"))}
    for name, file in files.items():
        graphs.store(tmp_path, name, file.read_bytes())
    random = np.random.default_rng(0)
    with serve(tmp_path, sessions=1, threads=1, max_batch_rows=1) as running:
        caller = Caller(running.address)
        for name, entry in running.server.catalogue.models().items():
            if entry[1].reason:
                assert name == "strnorm"
                assert "en_US.UTF-8" in entry[1].reason
                continue
            metadata = caller.call("ModelMetadata", oip.ModelMetadataRequest(name=name))
            if any(tensor.datatype not in BY_OIP for tensor in (*metadata.inputs, *metadata.outputs)):
                assert name == "test_sequence_insert_at_back"
                continue
            inputs = [_any_input(tensor, random) for tensor in metadata.inputs]
            alone = run_alone(files[name].read_bytes(), inputs)
            answers = caller.infer(name, metadata, inputs)
            assert not difference(answers, alone, 0, 0), name
        caller.close()


def _any_input(tensor: oip.ModelMetadataResponse.TensorMetadata, random: np.random.Generator) -> Any:
    """An input of a described shape; one row where any number is allowed."""
    shape = [1 if length < 0 else length for length in tensor.shape]
    element = BY_OIP[tensor.datatype]
    if element.is_string:
        return np.full(shape, "a b", np.object_)
    return np.asarray(random.uniform(0, 2, shape)).astype(element.dtype)
