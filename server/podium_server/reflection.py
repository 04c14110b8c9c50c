"""gRPC's reflection: describes the services to clients that ask."""

from typing import Any, cast

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from podium_server.services.uncounted import uncounted_handlers


def service_of(file: Any) -> ServiceDescriptor:
    """The only service of a contract's file."""
    (service,) = file.services_by_name.values()
    return cast(ServiceDescriptor, service)


def enable_reflection(server: aio.Server, services: list[ServiceDescriptor]) -> None:
    """Describe the services, from a pool that holds those of the private pool too."""
    pool = DescriptorPool()
    seen: set[str] = set()

    def add(file: Any) -> None:
        if file.name not in seen:
            seen.add(file.name)
            for dependency in file.dependencies:
                add(dependency)
            pool.AddSerializedFile(file.serialized_pb)

    for file in (*(service.file for service in services), health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        add(file)
    names = [service.full_name for service in services]
    names += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
    servicer = reflection.aio.ReflectionServicer(names, pool=pool)
    server.add_generic_rpc_handlers([uncounted_handlers(service_of(reflection_pb2.DESCRIPTOR), servicer)])
