"""Makes of a message another: fields set to what hurts, dropped, doubled, and bytes turned over."""

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

INTEGERS = (
    0, 1, -1, 2, 3, 4, 7, 64, 255, 256, 1000, 65_536, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**62, 2**63 - 1, -(2**63),
    2**64 - 1,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e30, -1e38, 3.4e38, float("inf"), float("-inf"), float("nan"))
STRINGS = (
    "", " ", "a", "x", "y", "sums", "letters", "bytes", "vae", "gan", "cgan", "joint", "faces", "painter", "denoiser",
    "autoencoder", "captioner", "translator", "forecaster", "classifier", "frames", "strings", "lookup", "free",
    "sums/1", "sums/2", "sums@stable", "sums/99999999999999999999", "sums/-1", "sums@", "../sums", "/etc/passwd",
    "FP32", "INT64", "BYTES", "FP16", "BOOL", "heat", "smile", "two", "ab" * 3000, "\0", "\N{GRINNING FACE}" * 50,
    "\N{COMBINING ACUTE ACCENT}", "%s%n{0}", "sums\n", "a\u202eb",
)  # fmt: skip
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}
DEEPEST = 4
# Protobuf's descriptors are two classes each, of which type checkers know one.
Field: TypeAlias = Any
Type: TypeAlias = Any


class Mutator:
    """Makes messages; the same from the same seed.

    Args:
        seed: of its choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def mutate(self, message: Message) -> bytes:
        """Change a message, and give its bytes, which may be those of none."""
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3, 6))):
            self._change(message)
        data = message.SerializePartialToString()
        return self._turn_over(data) if self.random.random() < 0.15 else data

    def make(self, descriptor: Type, depth: int = 0) -> Message:
        """Make a message of a type, with about half of its fields."""
        message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self.random.random() < 0.5:
                self._set(message, field, depth)
        return message

    def _change(self, message: Message) -> None:
        target = self._choose(message)
        if not target.DESCRIPTOR.fields:
            return
        field: Field = self.random.choice(target.DESCRIPTOR.fields)
        actions: Sequence[Callable[[], object]] = (
            lambda: self._set(target, field, 1),
            lambda: self._set(target, field, 1),
            lambda: target.ClearField(field.name),
            lambda: self._double(target, field),
        )
        self.random.choice(actions)()

    def _choose(self, message: Message) -> Message:
        """Choose the message itself or one inside it."""
        inside: list[Message] = [message]
        for each in inside:
            for field, value in each.ListFields():
                if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE and not _is_map(field):
                    inside += list(value)[:8] if field.is_repeated else [value]
            if len(inside) > 60:
                break
        return self.random.choice(inside)

    def _double(self, message: Message, field: Field) -> None:
        if field.is_repeated and not _is_map(field):
            values = getattr(message, field.name)
            many = self.random.choice((2, 3, 3, 20, 300)) if len(values) < 50 else 1
            values.extend(list(values) * (many - 1))

    def _set(self, message: Message, field: Field, depth: int) -> None:
        if _is_map(field):
            self._set_entry(getattr(message, field.name), field, depth)
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            if depth >= DEEPEST:
                return
            made = [self.make(field.message_type, depth + 1) for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
            if field.is_repeated:
                message.ClearField(field.name)
                getattr(message, field.name).extend(made)
            elif made:
                getattr(message, field.name).CopyFrom(made[0])
        elif field.is_repeated:
            count = self.random.choice((0, 1, 1, 2, 3, 5, 100))
            message.ClearField(field.name)
            getattr(message, field.name).extend([self._scalar(field) for _ in range(count)])
        else:
            setattr(message, field.name, self._scalar(field))

    def _set_entry(self, entries: Any, field: Field, depth: int) -> None:
        key_field, value_field = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        key = self._scalar(key_field)
        if value_field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            entries[key].CopyFrom(self.make(value_field.message_type, depth + 1))
        else:
            entries[key] = self._scalar(value_field)

    def _scalar(self, field: Field) -> Any:
        choose, kind = self.random.choice, field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return choose((True, False))
        if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
            return choose((*FLOATS, self.random.gauss(0, 3)))
        if kind == FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return self.random.randbytes(choose((0, 1, 3, 4, 12, 16, 48, 1000)))
            return choose(STRINGS)
        low, high = _RANGES[kind]
        return min(max(choose((*INTEGERS, self.random.randrange(10))), low), high)

    def _turn_over(self, data: bytes) -> bytes:
        """Change bytes without regard to what they mean."""
        changed = bytearray(data or b"\0")
        for _ in range(self.random.choice((1, 1, 2, 5))):
            at = self.random.randrange(len(changed) or 1)
            match self.random.randrange(4):
                case 0:
                    changed[at : at + 1] = bytes([self.random.randrange(256)])
                case 1:
                    del changed[at : at + self.random.choice((1, 4, 100))]
                case 2:
                    changed[at:at] = self.random.randbytes(self.random.choice((1, 2, 8)))
                case _:
                    changed[at:at] = b"\x0b" * self.random.choice((5, 200))  # groups within groups
        return bytes(changed)


def _is_map(field: Field) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
