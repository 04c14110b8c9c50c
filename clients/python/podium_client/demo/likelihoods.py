"""Chapter: which of two lines is likelier: a model of texts reads as well as it writes."""

from podium_client.commands.score import scores_table
from podium_client.demo.stage import Stage
from podium_client.demo.texts import MODEL
from podium_client.sequences import TextScore

PAIRS = (
    (
        "Creeps in this petty pace from day to day,\n",
        "Day to day from pace petty this in creeps,\n",
    ),
    (
        "Is this a dagger which I see before me,\n",
        "Which this is I me before a see dagger,\n",
    ),
    (
        "If music be the food of love, play on;\n",
        "On play, love of food the be music if;\n",
    ),
)
"""Lines of plays that were held out of the training, and the same words in another order."""


def show_likelihoods(stage: Stage) -> None:
    """Score each pair, and see that the line as it was written is the likelier one."""
    stage.chapter(f"TextService.Score · which line is likelier · {MODEL}")
    if not stage.serves(MODEL):
        return
    for pair in PAIRS:
        scores = stage.client.score(MODEL, pair)
        stage.console.print(scores_table([line.strip() for line in pair], scores))
        right = scores[0].nats_per_token < scores[1].nats_per_token
        stage.expect(right, pair[0].strip(), expected="likelier than its words in disorder", got=_told(scores))


def _told(scores: list[TextScore]) -> str:
    return " and ".join(f"{score.nats_per_token:.3f}" for score in scores) + " nats a character"
