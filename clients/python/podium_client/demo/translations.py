"""Chapter: English spelling to sound: words with their best pronunciations."""

from rich.text import Text

from podium_client.commands.bars import sequences_table
from podium_client.demo.stage import Stage

MODEL = "translator"

WORDS = {
    "monkey": ("M AH1 NG K IY0",),
    "lightning": ("L AY1 T N IH0 NG",),
    "village": ("V IH1 L AH0 JH", "V IH1 L IH0 JH"),
    "princess": ("P R IH1 N S EH0 S",),
    "echo": ("EH1 K OW0",),
    "balloon": ("B AH0 L UW1 N",),
    "birthday": ("B ER1 TH D EY2",),
    "flight": ("F L AY1 T",),
    "crocodile": ("K R AA1 K AH0 D AY2 L",),
    "aisle": ("AY1 L", "AY1 AH0 L"),
}
"""Words held out of the training, with their pronunciations as the CMU Pronouncing Dictionary lists them: a vowel ends
in its stress."""

READ_TWO_WAYS = ("read", "live", "present")
"""Words that are said in more than one way."""

_LEAST_RIGHT = 6
_NUM_BEST = 3
_NUM_BEAMS = 4


def show_translations(stage: Stage) -> None:
    """Translate words together and alone, count the right ones, and show the n best of those with several."""
    stage.chapter(f"TextService.Translate · spelling to sound · {MODEL}")
    if not stage.serves(MODEL):
        return
    spoken = stage.client.translate(MODEL, list(WORDS))
    right = [answer.text in sounds for answer, sounds in zip(spoken, WORDS.values(), strict=True)]
    for word, answer, is_right in zip(WORDS, spoken, right, strict=True):
        truth = "" if is_right else f"  the dictionary says {' or '.join(WORDS[word])}"
        stage.console.print(Text(f"{word:>10}  ").append(answer.text, style="bold").append(truth, style="not bold red"))
    num_right = sum(right)
    wanted = f"{_LEAST_RIGHT} or more of {len(WORDS)} as the dictionary says"
    stage.expect(num_right >= _LEAST_RIGHT, f"words by {MODEL}", expected=wanted, got=num_right)
    stage.console.print(
        f"{num_right} of {len(WORDS)} words that it was not trained on are said as the dictionary says."
    )
    alone = [stage.client.translate(MODEL, word) for word in WORDS]
    same = [answer.best for answer in alone] == [answer.best for answer in spoken]
    stage.expect(same, "words of different lengths alone and together", expected="the same answers", got="others")
    for word in READ_TWO_WAYS:
        answer = stage.client.translate(MODEL, word, num_best=_NUM_BEST, num_beams=_NUM_BEAMS)
        stage.console.print(Text(word, style="bold"))
        stage.console.print(sequences_table(answer))
        distinct = len(set(answer.texts)) == _NUM_BEST
        stage.expect(distinct, f"the best of {word}", expected=f"{_NUM_BEST} different ones", got=answer.texts)
