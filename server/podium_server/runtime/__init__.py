"""ONNX Runtime and the machine under it: the only place that imports onnxruntime."""
