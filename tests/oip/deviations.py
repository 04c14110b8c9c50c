"""The ONNX cases that ONNX Runtime itself, without podium, answers otherwise than the case expects.

Found with onnx 1.23.2 and ONNX Runtime 1.32.0. `test_conformance.py` runs each in ONNX Runtime alone and asks for
the same bits, or the same failure, as the server gave.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Deviation:
    """Why a case is not answered as it expects.

    Attributes:
        reason: what ONNX Runtime does otherwise.
        random: whether the answer differs from run to run, so that only its being another can be compared.
    """

    reason: str
    random: bool = False


_MASKED_SCORES = Deviation("qk_matmul_output: ONNX Runtime gives the scores without the causal mask's -inf")
_PADDED_MASK = Deviation("ONNX Runtime refuses a mask that is shorter than the keys, which the operator pads")
_HALF = Deviation("one element of 192 is the neighbouring float16; the case's tolerance is less than one step")
_PER_CHANNEL = Deviation("ONNX Runtime has no zero points per channel for ConvInteger")
_FOURIER = Deviation("float32 rounding, 1e-4 and less, where the case expects exactly 0 within 1e-7")
_UNPOOL = Deviation(
    "the operator's indices count in the output shape that was given for ONNX Runtime, and in the "
    "inferred one for the case (onnx/onnx#2398)"
)
_EMPTY_BOOL = Deviation("ONNX Runtime does not define the largest of no truth values")
_ALIGNED = Deviation(
    "align_corners: the case divides by the scaled length, ONNX Runtime by the whole length that came out"
)
_DROPOUT = Deviation("elements are dropped at random, by another generator than the case's", random=True)

DEVIATIONS: Mapping[str, Deviation] = MappingProxyType(
    {
        "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal": _MASKED_SCORES,
        "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal": _MASKED_SCORES,
        "test_attention_4d_diff_heads_mask4d_padded_kv": _PADDED_MASK,
        "test_attention_4d_causal_fp16": _HALF,
        "test_convinteger_with_padding": _PER_CHANNEL,
        "test_dft": _FOURIER,
        "test_dft_axis": _FOURIER,
        "test_dft_inverse": _FOURIER,
        "test_dft_irfft": _FOURIER,
        "test_dft_rfft": _FOURIER,
        "test_dft_opset19": _FOURIER,
        "test_dft_axis_opset19": _FOURIER,
        "test_dft_inverse_opset19": _FOURIER,
        "test_dft_irfft_opset19": _FOURIER,
        "test_dft_rfft_opset19": _FOURIER,
        "test_stft": _FOURIER,
        "test_stft_with_window": _FOURIER,
        "test_maxunpool_export_with_output_shape": _UNPOOL,
        "test_reduce_max_empty_set_bool": _EMPTY_BOOL,
        "test_resize_downsample_scales_linear_align_corners": _ALIGNED,
        "test_resize_downsample_scales_cubic_align_corners": _ALIGNED,
        "test_training_dropout": _DROPOUT,
        "test_training_dropout_default": _DROPOUT,
        "test_training_dropout_default_mask": _DROPOUT,
        "test_training_dropout_mask": _DROPOUT,
    }
)
