"""The Open Inference Protocol v2 over gRPC: its messages, and how they become arrays and back."""
