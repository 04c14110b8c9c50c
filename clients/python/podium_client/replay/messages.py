"""The messages of a captured call's method: of podium's services, and of the Open Inference Protocol's ModelInfer."""

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from podium.v1 import (
    captioning_service_pb2,
    classification_service_pb2,
    forecast_service_pb2,
    image_service_pb2,
    text_service_pb2,
)

from podium_client.errors import InvalidArgumentError

MODEL_INFER = "inference.GRPCInferenceService.ModelInfer"

_FILES = (
    captioning_service_pb2.DESCRIPTOR,
    classification_service_pb2.DESCRIPTOR,
    forecast_service_pb2.DESCRIPTOR,
    image_service_pb2.DESCRIPTOR,
    text_service_pb2.DESCRIPTOR,
)
_SERVICES = {service.full_name: service for file in _FILES for service in file.services_by_name.values()}

_Field = descriptor_pb2.FieldDescriptorProto
_STRING, _BYTES, _INT64, _MESSAGE = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_INT64, _Field.TYPE_MESSAGE
_BOOL, _INT32, _UINT32, _UINT64 = _Field.TYPE_BOOL, _Field.TYPE_INT32, _Field.TYPE_UINT32, _Field.TYPE_UINT64
_FLOAT, _DOUBLE = _Field.TYPE_FLOAT, _Field.TYPE_DOUBLE


def message_classes(method: str) -> tuple[type[Message], type[Message]]:
    """Find the request's and the answer's class.

    Args:
        method: its full name, such as "podium.v1.TextService.Generate".

    Raises:
        InvalidArgumentError: this client knows no such method.
    """
    if method == MODEL_INFER:
        return _INFER_REQUEST, _INFER_RESPONSE
    service, _, name = method.rpartition(".")
    found = _SERVICES[service].methods_by_name.get(name) if service in _SERVICES else None
    if found is None:
        raise InvalidArgumentError(f"method: {method!r} is none that this client knows; is it a newer server's?")
    return GetMessageClass(found.input_type), GetMessageClass(found.output_type)


def _inference_classes() -> tuple[type[Message], type[Message]]:
    """Make the part of ModelInfer's messages that replaying needs; the rest passes through as unknown fields.

    In a pool of their own: other packages that register this protocol would collide in protobuf's common one. The
    numbers are those of `proto/inference/open_inference.proto`.
    """
    file = descriptor_pb2.FileDescriptorProto(name="podium_client/replay.proto", package="inference", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, "_Field.Type.ValueType", bool]) -> None:
        described = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            added = described.field.add(name=field, number=number, type=kind, label=label)
            if kind == _MESSAGE:
                added.type_name = {"outputs": ".inference.OutputTensor", "contents": ".inference.Contents"}[field]

    named = ("model_name", 1, _STRING, False), ("model_version", 2, _STRING, False)
    message("ModelInferRequest", *named)
    message(
        "Contents",
        ("bool_contents", 1, _BOOL, True), ("int_contents", 2, _INT32, True), ("int64_contents", 3, _INT64, True),
        ("uint_contents", 4, _UINT32, True), ("uint64_contents", 5, _UINT64, True), ("fp32_contents", 6, _FLOAT, True),
        ("fp64_contents", 7, _DOUBLE, True), ("bytes_contents", 8, _BYTES, True),
    )  # fmt: skip
    message(
        "OutputTensor",
        ("name", 1, _STRING, False), ("datatype", 2, _STRING, False), ("shape", 3, _INT64, True),
        ("contents", 5, _MESSAGE, False),
    )  # fmt: skip
    message("ModelInferResponse", *named, ("outputs", 5, _MESSAGE, True), ("raw_output_contents", 6, _BYTES, True))
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    request, response = (
        pool.FindMessageTypeByName(f"inference.ModelInfer{which}") for which in ("Request", "Response")
    )
    return GetMessageClass(request), GetMessageClass(response)


_INFER_REQUEST, _INFER_RESPONSE = _inference_classes()
