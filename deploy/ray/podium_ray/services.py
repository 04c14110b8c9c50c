"""Every RPC of podium, and what proxies and replicas say to each other beside the calls themselves."""

import itertools

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2
from podium.v1 import (
    captioning_service_pb2,
    classification_service_pb2,
    forecast_service_pb2,
    image_service_pb2,
    model_service_pb2,
    text_service_pb2,
)
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.security.access import scope_of
from podium_server.security.tokens import Scope

FILES = (
    captioning_service_pb2, classification_service_pb2, forecast_service_pb2, image_service_pb2, model_service_pb2,
    text_service_pb2, health_pb2,
)  # fmt: skip
SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    itertools.chain(
        *(file.DESCRIPTOR.services_by_name.values() for file in FILES), OPEN_INFERENCE.services_by_name.values()
    )
)

REMAINING_S = "podium-remaining-s"
"""Metadata from proxy to replica: seconds until the caller's deadline."""

END = b"\x07"
"""The last message of a replica's stream, which brings its status and goes no further.

Ray passes on what a replica says of a call only beside an answer. No answer begins so: protobuf has no such tag.
"""


def changes(method: MethodDescriptor) -> bool:
    """Whether an RPC changes what is served."""
    return scope_of(method.full_name) is Scope.ADMIN


def path_of(method: MethodDescriptor) -> str:
    """An RPC's path on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"
