"""One call of the text or captioning service on its way: reads, starts sequences, and keeps where the time went.

Generation, captioning and translation differ in how sequences start alone: a prompt, a picture's or a source's states.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from podium.v1 import decoding_pb2, response_metadata_pb2
from podium.v1.captioning_service_pb2 import StreamCaptionResponse
from podium.v1.text_service_pb2 import StreamGenerateResponse

from podium_server.call import Call
from podium_server.errors import InvalidArgument
from podium_server.generation.job import BeamJob, Beams, Engine, Job, SampleJob, ScoreJob, Start
from podium_server.observing.observer import Phase
from podium_server.seed import choose_seed
from podium_server.servable import Servable
from podium_server.services.answered import metadata, timed_metadata
from podium_server.services.gathering import Gathering
from podium_server.services.intake import Intake, as_array
from podium_server.services.scored_text import ScoredText
from podium_server.services.writing import BeamSearch, Followed, SampledSequence, Writing
from podium_server.settings import Settings
from podium_server.spent import Spent
from podium_server.text.choices import Choices, Wanted, choose
from podium_server.text.sequence_text import StopWatch
from podium_server.text.text_model import TextModel

A = TypeVar("A", StreamGenerateResponse, StreamCaptionResponse)


class TextCall:
    """What every method of the two services does with its call.

    Args:
        call: the call.
        servable: who answers.
        engine: what writes.
        model: compiled from the version.
        settings: limits of calls.
        intake: reads what the call brings.
    """

    def __init__(
        self, call: Call, servable: Servable, engine: Engine, *, model: TextModel, settings: Settings, intake: Intake
    ) -> None:
        self.model = model
        self.intake = intake
        self._seed: int | None = None
        self._call = call
        self._servable = servable
        self._engine = engine
        self._settings = settings

    def choose(self, decoding: decoding_pb2.Decoding, wanted: Wanted, field: str, num_starts: int) -> Choices:
        """Resolve how sequences are written.

        Args:
            decoding: the request's.
            wanted: how many sequences it wants of each start.
            field: what holds the starts, such as "texts".
            num_starts: how many there are.

        Raises:
            InvalidArgument: a value is out of its bounds, or all sequences together are too many.
        """
        choices = choose(decoding, self.model.defaults, wanted, self._settings.max_output_tokens)
        most, rows = self._settings.max_sequences_per_request, choices.num_rows * num_starts
        if rows > most:
            raise InvalidArgument(
                f"{field}: come to {rows} sequences, beams included; a call may have {most} on this server",
                field,
            )
        return choices

    def start_seeded(self, seed: int | None, choices: Choices) -> None:
        """Take the request's seed; without one, choose one where tokens are drawn."""
        self._seed = choose_seed() if seed is None and choices.draws else seed

    def write(self, starts: Sequence[Start], choices: Choices, *, with_log_probabilities: bool) -> Gathering:
        """Start all sequences of a request, or none.

        Raises:
            Overloaded: too many wait.
            NotReady: the version is being unloaded.
        """
        jobs = [job for start in starts for job in self._jobs(start, choices)]
        writings: list[Writing] = []
        for job, ongoing in zip(jobs, self._engine.start_all(jobs), strict=True):
            if isinstance(job, SampleJob):
                writings.append(SampledSequence(ongoing, job.sequence, self.model.begin_text(choices.stops)))
            else:
                writings.append(BeamSearch(ongoing, lambda: self.model.begin_text(choices.stops)))
        return Gathering(writings, with_log_probabilities=with_log_probabilities)

    async def stream(self, gathering: Gathering, answer_class: type[A]) -> AsyncGenerator[A, None]:
        """Tell what is new of all sequences, as often as the caller takes it.

        Args:
            gathering: the sequences.
            answer_class: the message of the method's answers.
        """
        metadata: response_metadata_pb2.ResponseMetadata | None = self.begun()
        usage: decoding_pb2.GenerationUsage | None = None
        async with aclosing(gathering.pieces()) as news:
            async for pieces in news:
                if gathering.ended:
                    metadata, usage = self.metadata(gathering.writings), self.usage(gathering.writings)
                yield answer_class(metadata=metadata, pieces=pieces, usage=usage)
                metadata = None

    def score(self, texts: Sequence[Sequence[int]]) -> list[ScoredText]:
        """Start reading all texts of a request, or none.

        Args:
            texts: the tokens of each, with one at least after the model's start, or after the first where it has none.

        Raises:
            Overloaded, NotReady: as `write`.
        """
        cut, deadline = max(1, len(self.model.tokenizer.start_ids)), self._call.deadline
        jobs: list[Job] = [ScoreJob(Start(as_array(ids[:cut])), as_array(ids[cut:]), deadline) for ids in texts]
        started = self._engine.start_all(jobs)
        return [ScoredText(ongoing, ids[:cut], len(ids) - cut) for ongoing, ids in zip(started, texts, strict=True)]

    def usage(self, jobs: Sequence[Followed]) -> decoding_pb2.GenerationUsage:
        """What the call cost, once all its jobs have ended."""
        clocks = [job.clocked for job in jobs]
        first_run_s = min(clock.queue_s for clock in clocks)
        first_token_s = min(clock.queue_s + clock.prefill_s for clock in clocks)
        end_s = max(clock.queue_s + clock.prefill_s + clock.decode_s for clock in clocks)
        return decoding_pb2.GenerationUsage(
            num_prompt_tokens=self.intake.num_read,
            num_output_tokens=sum(job.num_written for job in jobs),
            queue_ms=first_run_s * 1e3,
            prefill_ms=(first_token_s - first_run_s) * 1e3,
            decode_ms=(end_s - first_token_s) * 1e3,
        )

    def answered(self, jobs: Sequence[Followed]) -> None:
        """Report the answer, once it is made."""
        spent, clocks = self._spent_on(jobs), [job.clocked for job in jobs]
        written = [
            Phase("prefill", max(clock.prefill_s for clock in clocks)),
            Phase("decode", max(clock.decode_s for clock in clocks)),
        ]
        encoded_s = self.intake.spent.run_s
        if encoded_s:
            written.insert(0, Phase("run", encoded_s))
        self._call.answered(self._servable, preprocess_s=spent.preprocess_s, run=spent.run, written=written)

    def begun(self) -> response_metadata_pb2.ResponseMetadata:
        """Who answers, and the seed."""
        return metadata(self._servable, self._seed)

    def metadata(self, jobs: Sequence[Followed]) -> response_metadata_pb2.ResponseMetadata:
        """Who answers, the seed, and where the time went, once all jobs have ended."""
        return timed_metadata(self._call, self._servable, self._spent_on(jobs), self._seed)

    def _spent_on(self, jobs: Sequence[Followed]) -> Spent:
        """The waits and runs of the encoder and of the sequences, of which the longest hides the others."""
        spent = replace(self.intake.spent)
        spent.queue_s += min(job.clocked.queue_s for job in jobs)
        spent.run_s += max(job.clocked.run_s for job in jobs)
        return spent

    def _jobs(self, start: Start, choices: Choices) -> list[Job]:
        """The sequences that begin at one start."""
        max_tokens, deadline = choices.max_tokens, self._call.deadline
        if self.model.max_tokens is not None:
            max_tokens = min(max_tokens, self.model.max_tokens - len(start.prompt))
        if isinstance(choices.method, Beams):
            return [BeamJob(start, choices.method, max_tokens, deadline)]
        assert self._seed is not None or not choices.draws, "the seed is chosen first"
        stops = choices.stops
        return [
            SampleJob(
                start,
                choices.method,
                max_tokens,
                self._seed or 0,
                number,
                None if stops is None else StopWatch(self.model.begin_text(stops)),
                deadline,
            )
            for number in range(choices.count)
        ]


def best_first(gathering: Gathering, num_starts: int) -> list[list[decoding_pb2.GeneratedSequence]]:
    """What was written, by the start: the best first, of equals the one that was begun first."""
    by_job = gathering.sequences()
    size = len(by_job) // num_starts
    groups = [by_job[i : i + size] for i in range(0, len(by_job), size)]
    return [sorted((one for found in group for one in found), key=lambda one: -one.score) for group in groups]
