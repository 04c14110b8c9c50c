"""A caller with KServe's Python client, in a process of its own: `kserve` and `tritonclient` exclude each other.

Called with the server's address; prints what it got as JSON.
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from grpc.aio import AioRpcError, insecure_channel
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

# The server's messages live beside kserve's of the same names, imported after them.
from podium_server.oip import messages

A = np.arange(8, dtype=np.float32).reshape(2, 4)


async def call(address: str) -> dict[str, Any]:
    """Everything that the client can do, and load and unload in KServe's dialect."""
    client: Any = InferenceGRPCClient(address, timeout=30)
    got: dict[str, Any] = {"own_messages": messages.ModelInferRequest.DESCRIPTOR.full_name}
    got["live"], got["ready"] = await client.is_server_live(), await client.is_server_ready()
    got["model_ready"] = await client.is_model_ready("simple")

    raw = [InferInput("a", [2, 4], "FP32"), InferInput("b", [2, 4], "FP32")]
    for each in raw:
        each.set_data_from_numpy(A, binary_data=True)
    response = await client.infer(InferRequest("simple", raw, request_id="q1"))
    got["raw"] = {output.name: output.as_numpy().tolist() for output in response.outputs}
    got["id"] = response.id

    listed = [InferInput(name, [2, 4], "FP32", data=A.ravel().tolist()) for name in ("a", "b")]
    response = await client.infer(InferRequest("simple", listed))
    got["typed"] = {output.name: output.as_numpy().tolist() for output in response.outputs}

    halves = InferInput("x", [1, 2], "FP16")
    halves.set_data_from_numpy(np.array([[1.5, -2]], np.float16), binary_data=True)
    response = await client.infer(InferRequest("same-FP16", [halves]))
    got["halves"] = response.outputs[0].as_numpy().tolist()

    try:
        await client.infer(InferRequest("nope", raw))
    except AioRpcError as error:
        got["error"] = [error.code().name, error.details()]

    async with insecure_channel(address) as channel:
        stub: Any = pb_grpc.GRPCInferenceServiceStub(channel)
        unloaded = await stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="spare"))
        got["unloaded"] = [unloaded.model_name, unloaded.isUnloaded, await client.is_model_ready("spare")]
        loaded = await stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="spare"))
        got["loaded"] = [loaded.model_name, loaded.isLoaded, await client.is_model_ready("spare")]
    await client.close()
    return got


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(call(sys.argv[1]))))
