"""What podium costs, beside what it is made of: ONNX Runtime alone, and gRPC alone.

`python -m tests.benchmarks` measures all three interleaved; `python -m tests.benchmarks.path` shows where the
server's time goes. Nothing here runs in the test suite but a smoke of the harness.
"""
