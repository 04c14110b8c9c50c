"""Chapter: one network at four moments of its training writes from the same prompt and seed: from noise to verse."""

from itertools import pairwise

from rich.text import Text

from podium_client.demo.stage import Stage
from podium_client.sequences import GeneratedSequences
from podium_client.sheets.answers import note
from podium_client.sheets.passages import Passage, draw_passages

MODEL = "shakespeare"
VERSIONS = tuple(f"{MODEL}/{version}" for version in (1, 2, 3, 4))

PROMPT = "ROMEO:\n"
_SEED = 7
_TEMPERATURE = 0.7
_MAX_TOKENS = 400
_LINES_SHOWN = 11

HELD_OUT = """MACBETH:
To-morrow, and to-morrow, and to-morrow,
Creeps in this petty pace from day to day,
To the last syllable of recorded time;
And all our yesterdays have lighted fools
The way to dusty death. Out, out, brief candle!
"""
"""Lines of a play that was held out of the training."""


def show_texts(stage: Stage) -> None:
    """Let each version write, see that each knows Shakespeare better than the one before, and draw the texts."""
    stage.chapter(f"TextService.StreamGenerate, Generate, Score · from noise to verse · {MODEL}")
    if not stage.serves(*VERSIONS):
        return
    written = [_write(stage, version) for version in VERSIONS]
    nats = [stage.client.score(version, HELD_OUT).nats_per_token for version in VERSIONS]
    better = all(later < sooner for sooner, later in pairwise(nats))
    told = ", ".join(f"{each:.2f}" for each in nats)
    stage.expect(better, "nats a character of lines held out", expected="fewer with each version", got=told)
    stage.console.print(f"Score: {told} nats a character of lines that none of them was trained on.")
    passages = [
        Passage(version, f"{cost:.2f} nats a character", PROMPT, text.text)
        for version, cost, text in zip(VERSIONS, nats, written, strict=True)
    ]
    title = "From noise to verse: one network, four moments of its training"
    path = stage.output / "shakespeare.png"
    draw_passages(title, note(written[-1].metadata), passages, columns=2, num_lines=_LINES_SHOWN).save(path)
    stage.wrote(path)


def _write(stage: Stage, version: str) -> GeneratedSequences:
    """Show a text as it is written, and see that it comes out the same in one piece."""
    stage.console.print(Text(version, style="bold").append(f"  {_about(stage, version)}", style="not bold dim"))
    stage.console.print(Text(PROMPT, style="dim"), end="")
    stream = stage.client.generate(version, PROMPT, seed=_SEED, temperature=_TEMPERATURE, max_tokens=_MAX_TOKENS)
    num_pieces = 0
    for piece in stream:
        num_pieces += 1
        stage.console.print(Text(piece.text), end="", soft_wrap=True)
    stage.console.print()
    usage = stream.usage
    stage.console.print(
        f"{usage.num_output_tokens} characters in {num_pieces} pieces, {usage.tokens_per_s:,.0f} a second", style="dim"
    )
    whole = stage.client.complete(version, PROMPT, seed=_SEED, temperature=_TEMPERATURE, max_tokens=_MAX_TOKENS)
    stage.expect(stream.text == whole.text, f"{version} by the same seed", expected="the same text", got="another")
    return whole


def _about(stage: Stage, version: str) -> str:
    return stage.client.model(version).manifest.description
