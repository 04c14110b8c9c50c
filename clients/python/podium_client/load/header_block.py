"""Header blocks (RFC 7541, HPACK): those of one prepared call, and those of a reply.

The caller's blocks use the dynamic table as every gRPC client does: the first spells the headers out, all later
ones are an index a header. Replies are asked to come without a dynamic table (its size is announced as 0), so
that any block can be read alone.
"""

from collections.abc import Iterator, Mapping

_POST, _HTTP, _HTTPS = b"\x83", b"\x86", b"\x87"  # static entries 3, 6 and 7
_PATH, _AUTHORITY, _CONTENT_TYPE, _USER_AGENT, _AUTHORIZATION = 4, 1, 31, 58, 23  # names in the static table
_STATUS = 8  # static entry ":status: 200"; 8 ... 14 share the name
_STATUSES = ("200", "204", "206", "304", "400", "404", "500")
_NUM_STATIC = 61


def write_integer(value: int, prefix_bits: int, flags: int) -> bytes:
    """Write an integer behind the flags of its first byte (section 5.1)."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([flags | value])
    out = bytearray([flags | limit])
    value -= limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_integer(block: bytes, at: int, prefix_bits: int) -> tuple[int, int]:
    """Read an integer; give it and where the next field begins."""
    limit = (1 << prefix_bits) - 1
    value = block[at] & limit
    at += 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        byte = block[at]
        at += 1
        value += (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _text(value: str) -> bytes:
    data = value.encode("ascii")
    return write_integer(len(data), 7, 0) + data


def call_blocks(path: str, authority: str, token: str | None = None, *, secure: bool = False) -> tuple[bytes, bytes]:
    """Encode the headers of a unary call: the block of a connection's first call, and that of all later ones.

    Args:
        path: "/package.Service/Method".
        authority: the host and port that the call names.
        token: says who calls; None: nothing does.
        secure: whether the connection speaks TLS.
    """
    always = _POST + (_HTTPS if secure else _HTTP)
    first = always
    named = [(_PATH, path), (_AUTHORITY, authority), (_CONTENT_TYPE, "application/grpc")]
    if token is not None:
        named.append((_AUTHORIZATION, f"Bearer {token}"))
    for index, value in named:
        first += write_integer(index, 6, 0x40) + _text(value)
    first += b"\x40" + _text("te") + _text("trailers")
    first += write_integer(_USER_AGENT, 6, 0x40) + _text("podium-bench")
    # What was added last has the first index after the static table.
    indices = range(_NUM_STATIC + len(named) + 2, _NUM_STATIC, -1)
    return first, always + b"".join(write_integer(index, 7, 0x80) for index in indices)


def _read_text(block: bytes, at: int) -> tuple[str, int]:
    huffman = block[at] & 0x80
    length, at = read_integer(block, at, 7)
    end = at + length
    return ("" if huffman else block[at:end].decode("latin-1")), end


def _fields(block: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(block):
        lead = block[at]
        if lead & 0x80:
            index, at = read_integer(block, at, 7)
            status = index - _STATUS
            if 0 <= status < len(_STATUSES):
                yield ":status", _STATUSES[status]
        elif lead & 0xE0 == 0x20:  # a change of the table's size
            _, at = read_integer(block, at, 5)
        else:
            index, at = read_integer(block, at, 6 if lead & 0x40 else 4)
            if index:
                name = ":status" if _STATUS <= index < _STATUS + len(_STATUSES) else ""
            else:
                name, at = _read_text(block, at)
            value, at = _read_text(block, at)
            if name:
                yield name, value


def read_block(block: bytes) -> Mapping[str, str]:
    """Read a reply's header block that was written without a dynamic table.

    Names of the static table other than ":status", and Huffman-coded texts, are left out: gRPC's own library
    writes neither for what matters here.
    """
    return dict(_fields(block))
