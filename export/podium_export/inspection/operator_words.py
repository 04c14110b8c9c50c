"""Plain words for ONNX operators that need no more than a name."""

from collections.abc import Mapping
from types import MappingProxyType

ELEMENT_WISE: Mapping[str, str] = MappingProxyType(
    {
        "Relu": "ReLU",
        "LeakyRelu": "leaky ReLU",
        "PRelu": "PReLU",
        "Elu": "ELU",
        "Selu": "SELU",
        "Gelu": "GELU",
        "Celu": "CELU",
        "Mish": "Mish",
        "Sigmoid": "sigmoid",
        "HardSigmoid": "hard sigmoid",
        "HardSwish": "hard swish",
        "Softplus": "softplus",
        "Softsign": "softsign",
        "Tanh": "tanh",
        "Erf": "erf",
        "Exp": "exp",
        "Log": "log",
        "Sqrt": "square root",
        "Abs": "absolute value",
        "Neg": "negate",
        "Reciprocal": "reciprocal",
        "Add": "add",
        "Sub": "subtract",
        "Mul": "multiply",
        "Div": "divide",
        "Pow": "power",
        "Max": "maximum",
        "Min": "minimum",
        "Sum": "sum",
        "Where": "where",
        "Cast": "cast",
        "QuantizeLinear": "quantise",
        "DequantizeLinear": "dequantise",
        "BatchNormalization": "batch norm",
        "LRN": "local response norm",
        "Concat": "concatenate",
        "Split": "split",
        "Pad": "pad",
    }
)
"""Operators whose every output value depends on the input values at its own place alone."""

UNLOCATED: Mapping[str, str] = MappingProxyType(
    {
        "InstanceNormalization": "instance norm",
        "GroupNormalization": "group norm",
        "LayerNormalization": "layer norm",
        "RMSNormalization": "RMS norm",
        "Resize": "resize",
        "ReduceSum": "sum over axes",
        "ReduceMax": "maximum over axes",
        "ReduceMin": "minimum over axes",
        "ArgMax": "arg max",
        "TopK": "top k",
        "Attention": "attention",
        "Scan": "scan",
        "Loop": "loop",
        "If": "if",
    }
)
"""Operators whose receptive field is not followed."""
