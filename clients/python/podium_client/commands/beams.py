"""Beams for those who ask for the n best and say no more."""

from podium.v1 import model_manifest_pb2

from podium_client.decoding import DecodingOptions


def leaves_beams_open(num_best: int, decoding: DecodingOptions) -> bool:
    """Whether several of the best are wanted, and nothing is said of beams or of drawing tokens."""
    return num_best > 1 and decoding.get("num_beams") is None and decoding.get("temperature") is None


def with_enough_beams(
    manifest: model_manifest_pb2.ModelManifest, num_best: int, decoding: DecodingOptions
) -> DecodingOptions:
    """Search by as many beams as the model usually does, or as are wanted of the best where those are more."""
    usual = manifest.generation.defaults.num_beams
    return decoding if usual >= num_best else {**decoding, "num_beams": num_best}
