"""The protocol's messages, built from `open_inference.binpb` in a descriptor pool of their own.

In the default pool, this package's name could be registered once in a process, and tritonclient and kserve each
register it with other definitions. The types are in `messages.pyi`; both files are written by `make proto`.
"""

from importlib.resources import files

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

_set = descriptor_pb2.FileDescriptorSet.FromString(
    files("podium_server.oip").joinpath("open_inference.binpb").read_bytes()
)
_pool = DescriptorPool()
for _file in _set.file:
    _pool.AddSerializedFile(_file.SerializeToString())

DESCRIPTOR = _pool.FindFileByName(_set.file[0].name)

for _name, _message in DESCRIPTOR.message_types_by_name.items():
    globals()[_name] = message_factory.GetMessageClass(_message)
for _name, _enum in DESCRIPTOR.enum_types_by_name.items():
    globals()[_name] = EnumTypeWrapper(_enum)
    globals().update({value.name: value.number for value in _enum.values})
