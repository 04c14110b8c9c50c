"""Every method that a server has bound, as reflection tells: what is added is attacked without being named here."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC.

    Attributes:
        descriptor: its types.
        path: as it is called.
    """

    descriptor: MethodDescriptor
    path: str

    @property
    def name(self) -> str:
        """Its full name."""
        return self.descriptor.full_name


def find_methods(address: str) -> Sequence[Method]:
    """Ask a server for its methods."""
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        services = [pool.FindServiceByName(name) for name in sorted(database.get_services())]
        return [
            Method(method, f"/{service.full_name}/{method.name}") for service in services for method in service.methods
        ]
