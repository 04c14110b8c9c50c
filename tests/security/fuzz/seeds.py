"""Valid requests to begin with, by the method's full name; of what has none here, requests are made of its type.

Each is a list of messages, as JSON has them: one for a call, several for a stream.
"""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

Messages: TypeAlias = Sequence[Mapping[str, Any]]


def _encoded(width: int, height: int, kind: str = "PNG") -> dict[str, str]:
    buffer = BytesIO()
    pixels = np.arange(width * height, dtype=np.uint8).reshape(height, width)
    Image.fromarray(pixels).save(buffer, kind)
    return {"encoded": base64.b64encode(buffer.getvalue()).decode()}


def _floats(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


def _tensor(*shape: int) -> dict[str, Any]:
    size = int(np.prod(shape))
    return {"elementType": "ELEMENT_TYPE_FLOAT32", "shape": list(shape), "data": _floats(*range(size))}


PICTURE = _encoded(2, 2)
DECODING = {"maxTokens": 6, "temperature": 0.8, "topK": 5, "topP": 0.9, "repetitionPenalty": 1.1, "stop": ["\n"]}
BEAMS = {"maxTokens": 6, "numBeams": 3, "lengthPenalty": 1.0}
SPHERICAL = "INTERPOLATION_PATH_SPHERICAL"
LATENT = {"latent": {"values": [0.1, 0.2, -0.3, 1]}}
SERIES = {
    "observations": [{"time": 0, "vector": [1, 2]}, {"time": 1.5, "readings": [{"name": "heat", "value": 3}]}],
    "times": [0, 2, 5],
}
FLOAT_INPUT = {"name": "x", "datatype": "FP32", "shape": [2, 3]}
TYPED = {"name": "x", "datatype": "FP32", "shape": [1, 3], "contents": {"fp32Contents": [1, 2, 3]}}
INFER: Mapping[str, Any] = {
    "modelName": "sums", "id": "1", "inputs": [FLOAT_INPUT], "rawInputContents": [_floats(1, 2, 3, 4, 5, 6)],
    "outputs": [{"name": "y", "parameters": {"classification": {"int64Param": 2}}}],
    "parameters": {"timeout": {"int64Param": 1000000}, "priority": {"int64Param": 3}},
}  # fmt: skip
STRINGS: Mapping[str, Any] = {
    "modelName": "strings",
    "inputs": [{"name": "x", "datatype": "BYTES", "shape": [1, 2], "contents": {"bytesContents": ["YQ==", "YmM="]}}],
}

SEEDS: Mapping[str, Sequence[Messages]] = {
    "podium.v1.ClassificationService.Classify": [
        [{"model": "classifier", "images": [_encoded(3, 1), _encoded(3, 1, "JPEG"), _encoded(3, 1, "WEBP")]}],
        [{"model": "classifier/1", "images": [{"tensor": _tensor(1, 1, 3)}], "returnLogits": True}],
    ],
    "podium.v1.ClassificationService.ClassifyVideo": [
        [{"options": {"model": "frames", "topK": 1}}, *[{"frames": [{"tensor": _tensor(3)}]} for _ in range(5)]],
        [{"options": {"model": "frames"}}, {"filePiece": _encoded(3, 3, "GIF")["encoded"]}],
    ],
    "podium.v1.ClassificationService.ClassifyFrames": [
        [{"options": {"model": "frames", "topK": 1}}, *[{"frame": {"tensor": _tensor(3)}} for _ in range(5)]],
    ],
    "podium.v1.CaptioningService.Caption": [
        [{"model": "captioner", "images": [PICTURE], "decoding": BEAMS, "numBest": 2, "returnLogProbabilities": True}],
        [{"model": "captioner", "images": [PICTURE, PICTURE], "decoding": DECODING, "seed": "7"}],
    ],
    "podium.v1.CaptioningService.StreamCaption": [
        [{"model": "captioner", "image": PICTURE, "decoding": DECODING, "seed": "7"}],
    ],
    "podium.v1.TextService.Generate": [
        [{"model": "letters", "prompt": "abc", "decoding": DECODING, "seed": "7", "numSequences": 2}],
        [{"model": "bytes", "prompt": "\N{GRINNING FACE}", "decoding": BEAMS, "returnLogProbabilities": True}],
    ],
    "podium.v1.TextService.StreamGenerate": [
        [{"model": "letters", "prompt": "abc", "decoding": DECODING, "seed": "7", "numSequences": 2}],
    ],
    "podium.v1.TextService.Translate": [
        [{"model": "translator", "texts": ["eine katze", "hund"], "decoding": BEAMS, "numBest": 2}],
    ],
    "podium.v1.TextService.Score": [
        [{"model": "letters", "texts": ["abcdefgh", "bad."], "returnTokens": True}],
    ],
    "podium.v1.ImageService.Sample": [
        [{"model": "cgan", "count": 3, "seed": "7", "classCondition": {"name": "two"}, "format": "PICTURE_FORMAT_PNG"}],
        [{"model": "joint", "count": 3, "temperature": 0.5, "truncation": 1, "format": "PICTURE_FORMAT_GRID"}],
    ],
    "podium.v1.ImageService.StreamSample": [
        [{"model": "painter", "count": 20, "seed": "7", "firstIndex": "5", "format": "PICTURE_FORMAT_TENSOR"}],
    ],
    "podium.v1.ImageService.Encode": [[{"model": "vae", "images": [PICTURE, {"tensor": _tensor(1, 2, 2)}]}]],
    "podium.v1.ImageService.Decode": [[{"model": "vae", "latents": [{"values": [1, 2, 3, 4]}]}]],
    "podium.v1.ImageService.Reconstruct": [
        [{"model": "autoencoder", "images": [PICTURE]}],
        [{"model": "denoiser", "images": [PICTURE], "format": "PICTURE_FORMAT_TENSOR"}],
    ],
    "podium.v1.ImageService.Interpolate": [
        [{"model": "vae", "start": LATENT, "end": {"image": PICTURE}, "steps": 4, "path": SPHERICAL}],
    ],
    "podium.v1.ImageService.Traverse": [
        [{"model": "vae", "origin": LATENT, "dimensions": [0, 3], "low": -2, "high": 2, "steps": 3}],
    ],
    "podium.v1.ImageService.Edit": [
        [{"model": "faces", "sources": [LATENT], "direction": "smile", "strengths": [-1, 0, 1]}],
    ],
    "podium.v1.ForecastService.Forecast": [
        [{"model": "forecaster", "series": [SERIES, SERIES], "numSamples": 3, "seed": "7", "returnSamples": True}],
    ],
    "podium.v1.ModelService.GetModel": [[{"model": "sums"}], [{"model": "spare/1"}], [{"model": "sums@stable"}]],
    "podium.v1.ModelService.LoadModel": [[{"model": "spare"}]],
    "podium.v1.ModelService.SetAlias": [[{"model": "sums", "alias": {"name": "stable", "version": 1}}]],
    "podium.v1.ModelService.DeleteAlias": [[{"model": "sums", "alias": "stable"}]],
    "podium.v1.ModelService.UnloadModel": [[{"model": "spare"}]],
    "inference.GRPCInferenceService.ModelInfer": [
        [INFER], [STRINGS], [{"modelName": "sums", "modelVersion": "1", "inputs": [TYPED]}],
    ],
    "inference.GRPCInferenceService.ModelStreamInfer": [[INFER, STRINGS, INFER]],
    "inference.GRPCInferenceService.ModelMetadata": [[{"name": "sums"}]],
    "inference.GRPCInferenceService.ModelConfig": [[{"name": "sums", "version": "1"}]],
    "inference.GRPCInferenceService.ModelReady": [[{"name": "sums"}]],
    "inference.GRPCInferenceService.RepositoryModelLoad": [[{"modelName": "spare"}]],
    "inference.GRPCInferenceService.RepositoryModelUnload": [[{"modelName": "spare"}]],
}  # fmt: skip
