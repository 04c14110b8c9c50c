"""Header blocks beside the examples of RFC 7541, appendix C."""

import pytest
from podium_client.load.header_block import call_blocks, read_block, read_integer, write_integer


@pytest.mark.parametrize(
    ("value", "prefix_bits", "encoded"),
    [(10, 5, "0a"), (1337, 5, "1f9a0a"), (42, 8, "2a")],
    ids=["C.1.1", "C.1.2", "C.1.3"],
)
def test_integers_are_those_of_the_rfc(value: int, prefix_bits: int, encoded: str) -> None:
    """Appendix C.1: integers that fit their prefix, and one that does not."""
    assert write_integer(value, prefix_bits, 0) == bytes.fromhex(encoded)
    assert read_integer(bytes.fromhex(encoded), 0, prefix_bits) == (value, len(encoded) // 2)


def test_literals_are_read_as_in_the_rfc() -> None:
    """Appendix C.2.1 and C.2.3: a literal with indexing, and one that is never indexed."""
    with_indexing = bytes.fromhex("400a637573746f6d2d6b65790d637573746f6d2d686561646572")
    never_indexed = bytes.fromhex("100870617373776f726406736563726574")
    assert read_block(with_indexing + never_indexed) == {"custom-key": "custom-header", "password": "secret"}


def test_a_status_of_the_static_table_is_read() -> None:
    """Appendix A: entry 8 is ":status: 200", entry 13 is 404; a literal may borrow the name."""
    assert read_block(b"\x88") == {":status": "200"}
    assert read_block(b"\x8d") == {":status": "404"}
    assert read_block(b"\x48\x03503") == {":status": "503"}


def test_a_change_of_the_tables_size_is_passed_over() -> None:
    """Section 6.3: a block may begin with the new size of the table."""
    assert read_block(b"\x20\x88") == {":status": "200"}


def test_later_blocks_name_what_the_first_one_spelt_out() -> None:
    """The five headers of the first block have the indices 66 ... 62, the last added the lowest."""
    first, later = call_blocks("/a.B/C", "host:1")
    spelt = read_block(first)
    assert (spelt["te"], first.count(b"/a.B/C"), first.count(b"application/grpc")) == ("trailers", 1, 1)
    assert later == b"\x83\x86" + bytes(0x80 | index for index in (66, 65, 64, 63, 62))


def test_a_token_goes_along_with_every_call() -> None:
    """Appendix A: the name "authorization" has index 23; over TLS ":scheme: https" has 7."""
    first, later = call_blocks("/a.B/C", "host:1", "secret", secure=True)
    assert first.count(b"\x57\x0dBearer secret") == 1
    assert later == b"\x83\x87" + bytes(0x80 | index for index in (67, 66, 65, 64, 63, 62))
