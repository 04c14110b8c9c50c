"""What a request asks for goes over the model's defaults, and these over the usual."""

import pytest
from podium.v1 import decoding_pb2 as pb
from podium_server.errors import InvalidArgument
from podium_server.generation.job import Beams, Sampling
from podium_server.text.choices import Choices, Defaults, Wanted, choose

ONE = Wanted("num_best", 1, ranked=True)


def chosen(asked: pb.Decoding, defaults: pb.Decoding | None = None, wanted: Wanted = ONE, usual: float = 0) -> Choices:
    """Resolve a request on a server that writes up to 1,000 tokens."""
    return choose(asked, Defaults(defaults or pb.Decoding(), usual), wanted, 1000)


def test_the_usual_is_the_tasks() -> None:
    """Nothing asked, nothing by default: the task's temperature, one sequence, 256 tokens, no stop."""
    assert chosen(pb.Decoding(), usual=1) == Choices(Sampling(1), 256, None, 1)
    assert chosen(pb.Decoding()).method == Sampling(0)


def test_each_value_is_the_requests_or_else_the_models() -> None:
    """Zero is a value, too: it turns a default off."""
    defaults = pb.Decoding(temperature=0.5, top_k=40, top_p=0.9, repetition_penalty=1.2, max_tokens=70)
    assert chosen(pb.Decoding(), defaults).method == Sampling(0.5, 40, 0.9, 1.2)
    asked = pb.Decoding(temperature=2, top_k=0, top_p=1)
    assert chosen(asked, defaults) == Choices(Sampling(2, None, None, 1.2), 70, None, 1)
    assert chosen(pb.Decoding(max_tokens=3), defaults).max_tokens == 3


def test_a_default_beyond_what_the_server_writes_is_cut_and_a_request_refused() -> None:
    """Who asks is told; who does not ask gets what there is."""
    assert chosen(pb.Decoding(), pb.Decoding(max_tokens=5000)).max_tokens == 1000
    with pytest.raises(InvalidArgument, match=r"^decoding\.max_tokens: is 5000; must be at most 1000 on this server"):
        chosen(pb.Decoding(max_tokens=5000))


def test_beams_that_are_asked_for_turn_the_models_sampling_off() -> None:
    """And one beam turns the model's beams off, so that it draws as asked."""
    sampling = pb.Decoding(temperature=0.8, top_k=5, length_penalty=0.5)
    assert chosen(pb.Decoding(num_beams=4), sampling).method == Beams(4, 0.5, 1)
    assert chosen(pb.Decoding(num_beams=4, length_penalty=0), sampling).method == Beams(4, 0.0, 1)
    beams = pb.Decoding(num_beams=4)
    assert chosen(pb.Decoding(), beams, Wanted("num_best", 4, ranked=True)).method == Beams(4, 0.0, 4)
    assert chosen(pb.Decoding(num_beams=1, temperature=0.8), beams).method == Sampling(0.8)
    with pytest.raises(InvalidArgument, match=r"^decoding\.temperature: .*\(num_beams is 4, the model's default\)"):
        chosen(pb.Decoding(temperature=0.8), beams)


def test_what_is_off_may_be_said_beside_beams() -> None:
    """As clients that send every field do."""
    asked = pb.Decoding(num_beams=2, temperature=0, top_k=0, top_p=1, repetition_penalty=1)
    assert chosen(asked).method == Beams(2, 0.0, 1)
    assert chosen(asked).num_rows == 2


def test_stop_texts_of_a_request_replace_the_models() -> None:
    """They are not added up: a caller knows where the text is to end."""
    defaults = pb.Decoding(stop=["\n"])
    default, asked = chosen(pb.Decoding(), defaults).stops, chosen(pb.Decoding(stop=["."]), defaults).stops
    assert default is not None
    assert asked is not None
    assert default.matches[default.step(0, "\n")] == 1
    assert asked.matches[asked.step(0, "\n")] == 0
    assert asked.matches[asked.step(0, ".")] == 1


def test_the_best_ones_are_searched_by_as_many_beams_at_least() -> None:
    """Where nothing is drawn and nothing said of beams; a model's own number stays where it is enough."""
    three = Wanted("num_best", 3, ranked=True)
    assert chosen(pb.Decoding(), wanted=three).method == Beams(3, 0.0, 3)
    assert chosen(pb.Decoding(temperature=0), usual=1, wanted=three).method == Beams(3, 0.0, 3)
    assert chosen(pb.Decoding(), pb.Decoding(num_beams=2), three).method == Beams(3, 0.0, 3)
    assert chosen(pb.Decoding(), pb.Decoding(num_beams=4), three).method == Beams(4, 0.0, 3)
    assert chosen(pb.Decoding(temperature=1), wanted=three).method == Sampling(1)
    in_order = Wanted("num_sequences", 3, ranked=False)
    assert chosen(pb.Decoding(), pb.Decoding(num_beams=2), in_order).method == Beams(3, 0.0, 3)


def test_several_best_ones_need_beams_or_chance() -> None:
    """Several of a request in order may be alike."""
    with pytest.raises(InvalidArgument, match=r"^num_best: is 2; must be 0 or 1 where nothing is drawn"):
        chosen(pb.Decoding(num_beams=1), wanted=Wanted("num_best", 2, ranked=True))
    with pytest.raises(InvalidArgument, match=r"^num_best: is 17; must be 0 … 16 with beam search$"):
        chosen(pb.Decoding(), wanted=Wanted("num_best", 17, ranked=True))
    with pytest.raises(InvalidArgument, match=r"^decoding\.top_k: is 5; .*\(num_beams is 2, as num_best needs\)"):
        chosen(pb.Decoding(top_k=5), wanted=Wanted("num_best", 2, ranked=True))
    assert chosen(pb.Decoding(), wanted=Wanted("num_sequences", 2, ranked=False)).count == 2
    assert chosen(pb.Decoding(temperature=1), wanted=Wanted("num_best", 2, ranked=True)).count == 2


def test_a_seed_matters_where_tokens_are_drawn() -> None:
    """The most probable token and beam search draw none."""
    assert chosen(pb.Decoding(), usual=1).draws
    assert not chosen(pb.Decoding(temperature=0), usual=1).draws
    assert not chosen(pb.Decoding(num_beams=2), usual=1).draws
