"""Mutated valid messages of every RPC against a real server in its own process.

`python -m tests.security.fuzz --calls 200000` ends with 0 when the server is healthy, holds no more memory and files
than it did, and every call ended with a code that is documented and no fault of the server's own.
"""
