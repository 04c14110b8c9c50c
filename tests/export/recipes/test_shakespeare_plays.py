"""Plays in their plain form."""

from podium_export.recipes.shakespeare_plays import plain

PRINTED = """THE TRAGEDY OF NOBODY

by William Shakespeare

PERSONS REPRESENTED.
Anna, a queen.

ACT I. SCENE I. A heath.

[Enter ANNA
and BERT.]

ANNA.
Who's there?  [Aside.] A _rat_!
  Speak; or be dumb.

Bert.
'Tis I, thy cousin & thy friend.

[Exit ANNA.]

And yet she goes.

ANNA.
Caf\xe9.

BERT.
No.

SCENE II. The same.

ANNA
Once more.

BERT.
Farewell.
"""


def test_speakers_stand_in_capitals_with_a_colon() -> None:
    """However the edition prints them, and nothing but their speeches is left."""
    assert plain(PRINTED) == (
        "ANNA:\nWho's there? A rat!\nSpeak; or be dumb.\n\n"
        "BERT:\n'Tis I, thy cousin thy friend.\nAnd yet she goes.\n\n"
        "ANNA:\nCafe.\n\n"
        "BERT:\nNo.\n\n"
        "ANNA:\nOnce more.\n\n"
        "BERT:\nFarewell.\n\n"
    )


def test_a_line_that_is_said_once_is_nobody() -> None:
    """Speakers come again and again; "No." alone in a paragraph does not."""
    said = "ANNA.\nYes.\n\n" * 3 + "[Exit.]\n\nNo.\nNever.\n\n"
    assert plain(said) == "ANNA:\nYes.\n\n" * 2 + "ANNA:\nYes.\nNo.\nNever.\n\n"


def test_a_plain_text_stays_as_it_is() -> None:
    """Bringing it into the form twice changes nothing."""
    assert plain(plain(PRINTED)) == plain(PRINTED)
