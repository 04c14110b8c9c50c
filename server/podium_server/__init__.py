"""Serves a repository of checked ONNX packages over gRPC and HTTP."""
