"""Shows what is inside a package: layers, tensors, provenance, checks, and filters as a picture.

Everything is read from the ONNX file and the manifest; PyTorch is not needed.
"""
