"""What an error becomes on the wire, whatever its text: small enough for any client's header, and still readable."""

import base64
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st
from podium_server.errors import InvalidArgument, ModelNotFound, PodiumError, Unexpected
from podium_server.status import details, text

HEADER_BYTES = 8_192  # the default of gRPC's C, Java and Go libraries for all headers together
OTHER_HEADERS = 1_000  # content-type, grpc-status, server-timing, keys

TEXTS = (
    st.text(st.characters(codec="utf-8"))
    | st.text(min_size=2_000)
    | st.sampled_from("%日😀a\n").map(lambda c: c * 9_999)
)


def header_bytes(error: PodiumError) -> int:
    """What status and details take on the wire: percent-encoded and base64."""
    safe = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
    return len(quote(text(error), safe)) + len(base64.b64encode(details(error).SerializeToString()))


@given(TEXTS, TEXTS)
@example("%" * 10_000, "日" * 10_000)
def test_any_error_fits_a_header(message: str, field: str) -> None:
    """Message, field and request id may be of any length and script."""
    for error in (InvalidArgument(message, field), Unexpected(message, field), ModelNotFound(message)):
        assert header_bytes(error) < HEADER_BYTES - OTHER_HEADERS


@given(TEXTS)
def test_text_is_whole_or_ends_with_an_ellipsis(message: str) -> None:
    """What is cut shows that it is; what fits is not touched."""
    shown = text(ModelNotFound(message))
    whole = message.encode(errors="replace").decode()
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))
    assert len(message) > 100 or shown == whole


def test_plain_text_keeps_1500_characters() -> None:
    """Room for a sentence about every field."""
    assert text(ModelNotFound("x" * 1_500)) == "x" * 1_500
    assert len(text(ModelNotFound("x" * 1_501))) in range(1_490, 1_501)


def test_details_say_the_same_as_code_and_text() -> None:
    """The status in the details repeats both, for clients that read only it."""
    status = details(ModelNotFound("no such model"))
    assert (status.code, status.message) == (5, "no such model")
