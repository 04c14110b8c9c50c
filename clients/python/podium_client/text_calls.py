"""The calls of texts: generated, translated, scored."""

from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar, Unpack, overload

from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc

from podium_client import arguments
from podium_client.answers import read_metadata
from podium_client.connection import Connection
from podium_client.decoding import DecodingOptions, decoding_message
from podium_client.sequences import GeneratedSequences, TextScore, read_scores, read_sequences, read_usage
from podium_client.text_stream import AsyncTextStream, Gathered

RequestT = TypeVar("RequestT", wire.GenerateRequest, wire.StreamGenerateRequest)


class TextCalls(Connection):
    """The calls of `podium.v1.TextService`.

    What all of them share: `model` is "name", "name/version" or "name@alias"; `replace_unknown` replaces what is not
    in the vocabulary by the model's unknown token, or leaves it out where there is none, while such texts are refused
    otherwise; `timeout` is in seconds, None for the client's. They raise PodiumError, by who is to blame.

    Those that write take the keywords of `DecodingOptions` too: `temperature`, `top_k`, `top_p`,
    `repetition_penalty`, `max_tokens`, `stop`, `num_beams`, `length_penalty`.
    """

    @cached_property
    def _texts(self) -> "text_service_pb2_grpc.TextServiceAsyncStub":
        return text_service_pb2_grpc.TextServiceStub(self._channel)

    def generate(
        self,
        model: str,
        prompt: str = "",
        *,
        seed: int | None = None,
        num_sequences: int = 1,
        replace_unknown: bool = False,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> AsyncTextStream:
        """Continue a text, and give it piece by piece as it is written: the text that `complete` gives.

        Leaving the iteration cancels the call. Afterwards `.text`, `.metadata`, `.finish_reason` and `.usage` of what
        was iterated tell the rest.

        Args:
            model: "name", "name/version" or "name@alias".
            prompt: the text to continue; may be empty where the model has a start token.
            seed: 0 or more; None: one is chosen, and told in the metadata.
            num_sequences: texts to write, side by side; the pieces say which of them they belong to.
            replace_unknown: instead of refusing prompts with what is not in the vocabulary.
            log_probabilities: give that of each token.
            timeout: seconds until the last piece; None: the client's; `math.inf`: no limit.
            decoding: how tokens are chosen, see `DecodingOptions`.
        """
        request = _generate_request(
            wire.StreamGenerateRequest,
            model,
            prompt,
            seed=seed,
            num_sequences=num_sequences,
            replace_unknown=replace_unknown,
            log_probabilities=log_probabilities,
            decoding=decoding,
        )
        responses = self._caller.stream(self._texts.StreamGenerate, request, self._limit_s(timeout))
        return AsyncTextStream(responses, Gathered(num_sequences, with_log_probabilities=log_probabilities))

    async def complete(
        self,
        model: str,
        prompt: str = "",
        *,
        seed: int | None = None,
        num_sequences: int = 1,
        replace_unknown: bool = False,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> GeneratedSequences:
        """Continue a text, and answer when all of it is written: the text that `generate` gives piece by piece.

        See `generate` for the arguments.
        """
        request = _generate_request(
            wire.GenerateRequest,
            model,
            prompt,
            seed=seed,
            num_sequences=num_sequences,
            replace_unknown=replace_unknown,
            log_probabilities=log_probabilities,
            decoding=decoding,
        )
        response = await self._caller.call(self._texts.Generate, request, self._limit_s(timeout))
        metadata, usage = read_metadata(response.metadata), read_usage(response.usage)
        return read_sequences(response.sequences, metadata, usage, with_log_probabilities=log_probabilities)

    @overload  # a str is a Sequence of str too, and is one text: the first overload wins
    async def translate(  # type: ignore[overload-overlap]
        self,
        model: str,
        texts: str,
        *,
        num_best: int = 1,
        seed: int | None = None,
        replace_unknown: bool = False,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> GeneratedSequences: ...
    @overload
    async def translate(
        self,
        model: str,
        texts: Sequence[str],
        *,
        num_best: int = 1,
        seed: int | None = None,
        replace_unknown: bool = False,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> list[GeneratedSequences]: ...
    async def translate(
        self,
        model: str,
        texts: str | Sequence[str],
        *,
        num_best: int = 1,
        seed: int | None = None,
        replace_unknown: bool = False,
        log_probabilities: bool = False,
        timeout: float | None = None,
        **decoding: Unpack[DecodingOptions],
    ) -> GeneratedSequences | list[GeneratedSequences]:
        """Translate texts, each as it would be alone.

        Args:
            model: "name", "name/version" or "name@alias".
            texts: one text, or a list of them that travels in one call; a server takes at most 256.
            num_best: translations of each, best first: at most 64 where tokens are drawn, else 16 by beam search, and
                at most `num_beams` where that is given.
            seed: where tokens are drawn; None: one is chosen, and told in the metadata.
            replace_unknown: instead of refusing texts with what is not in the vocabulary.
            log_probabilities: give that of each token.
            timeout: seconds for the call and its retries; None: the client's.
            decoding: how tokens are chosen, see `DecodingOptions`.

        Returns:
            The translations of one text; a list in the same order for a list.
        """
        one, sources = arguments.texts(texts, "texts")
        request = wire.TranslateRequest(
            model=model,
            texts=sources,
            decoding=decoding_message(**decoding),
            seed=None if seed is None else arguments.whole(seed, "seed", 0, bits=64),
            num_best=arguments.whole(num_best, "num_best", 1),
            replace_unknown=replace_unknown,
            return_log_probabilities=log_probabilities,
        )
        response = await self._caller.call(self._texts.Translate, request, self._limit_s(timeout))
        metadata, usage = read_metadata(response.metadata), read_usage(response.usage)
        results = [
            read_sequences(result.translations, metadata, usage, with_log_probabilities=log_probabilities)
            for result in response.results
        ]
        return results[0] if one else results

    @overload  # a str is a Sequence of str too, and is one text: the first overload wins
    async def score(  # type: ignore[overload-overlap]
        self,
        model: str,
        texts: str,
        *,
        tokens: bool = False,
        replace_unknown: bool = False,
        timeout: float | None = None,
    ) -> TextScore: ...
    @overload
    async def score(
        self,
        model: str,
        texts: Sequence[str],
        *,
        tokens: bool = False,
        replace_unknown: bool = False,
        timeout: float | None = None,
    ) -> list[TextScore]: ...
    async def score(
        self,
        model: str,
        texts: str | Sequence[str],
        *,
        tokens: bool = False,
        replace_unknown: bool = False,
        timeout: float | None = None,
    ) -> TextScore | list[TextScore]:
        """Say how probable texts are.

        Args:
            model: "name", "name/version" or "name@alias".
            texts: one text, or a list of them that travels in one call; a server takes at most 256.
            tokens: give each token with its log-probability.
            replace_unknown: instead of refusing texts with what is not in the vocabulary.
            timeout: seconds for the call and its retries; None: the client's.

        Returns:
            The score of one text; a list in the same order for a list.
        """
        one, listed = arguments.texts(texts, "texts")
        request = wire.ScoreRequest(model=model, texts=listed, replace_unknown=replace_unknown, return_tokens=tokens)
        response = await self._caller.call(self._texts.Score, request, self._limit_s(timeout))
        scores = read_scores(response, with_tokens=tokens)
        return scores[0] if one else scores


def _generate_request(
    kind: type[RequestT],
    model: str,
    prompt: str,
    *,
    seed: int | None,
    num_sequences: int,
    replace_unknown: bool,
    log_probabilities: bool,
    decoding: DecodingOptions,
) -> RequestT:
    return kind(
        model=model,
        prompt=arguments.text(prompt, "prompt"),
        decoding=decoding_message(**decoding),
        seed=None if seed is None else arguments.whole(seed, "seed", 0, bits=64),
        num_sequences=arguments.whole(num_sequences, "num_sequences", 1),
        replace_unknown=replace_unknown,
        return_log_probabilities=log_probabilities,
    )
