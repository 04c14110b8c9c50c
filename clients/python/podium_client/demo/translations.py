"""Chapter: English spelling to sound: words with their best pronunciations."""

from rich.text import Text

from podium_client.commands.bars import sequences_table
from podium_client.demo.stage import Stage

MODEL = "translator"

WORDS = {
    "cat": "K AE1 T",
    "house": "HH AW1 S",
    "music": "M Y UW1 Z IH0 K",
    "summer": "S AH1 M ER0",
    "think": "TH IH1 NG K",
    "phone": "F OW1 N",
    "garden": "G AA1 R D AH0 N",
    "winter": "W IH1 N T ER0",
    "station": "S T EY1 SH AH0 N",
    "knight": "N AY1 T",
}
"""Words with their pronunciations as the CMU Pronouncing Dictionary lists them: a vowel ends in its stress."""

READ_TWO_WAYS = ("read", "live", "present")
"""Words that are said in more than one way."""

_LEAST_RIGHT = 8
_NUM_BEST = 3
_NUM_BEAMS = 4


def show_translations(stage: Stage) -> None:
    """Translate words together and alone, count the right ones, and show the n best of those with several."""
    stage.chapter(f"TextService.Translate · spelling to sound · {MODEL}")
    if not stage.serves(MODEL):
        return
    spoken = stage.client.translate(MODEL, list(WORDS))
    for word, answer in zip(WORDS, spoken, strict=True):
        stage.console.print(Text(f"{word:>10}  ").append(answer.text, style="bold"))
    num_right = sum(answer.text == sound for answer, sound in zip(spoken, WORDS.values(), strict=True))
    wanted = f"{_LEAST_RIGHT} or more of {len(WORDS)} as the dictionary says"
    stage.expect(num_right >= _LEAST_RIGHT, f"words by {MODEL}", expected=wanted, got=num_right)
    stage.console.print(f"{num_right} of {len(WORDS)} words are said as the CMU Pronouncing Dictionary says.")
    alone = [stage.client.translate(MODEL, word) for word in WORDS]
    same = [answer.best for answer in alone] == [answer.best for answer in spoken]
    stage.expect(same, "words of different lengths alone and together", expected="the same answers", got="others")
    for word in READ_TWO_WAYS:
        answer = stage.client.translate(MODEL, word, num_best=_NUM_BEST, num_beams=_NUM_BEAMS)
        stage.console.print(Text(word, style="bold"))
        stage.console.print(sequences_table(answer))
        distinct = len(set(answer.texts)) == _NUM_BEST
        stage.expect(distinct, f"the best of {word}", expected=f"{_NUM_BEST} different ones", got=answer.texts)
