"""Turns PyTorch checkpoints into checked ONNX packages."""
