"""What is known of each ATen operator: the one table that every analysis of a graph reads.

An operator that is missing here, or is listed as UNKNOWN, is never guessed at: its layers have no
receptive field, occlusion computes it on whole maps, and its result may share memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf

Bound = float | str
"""A number, or the name of the operator's argument that holds it."""


class Window(Enum):
    """A kind of window that slides over rows and columns."""

    CONVOLUTION = "convolution"
    MAX_POOL = "max_pool"
    AVERAGE_POOL = "average_pool"
    PADDING = "padding"


@dataclass(frozen=True)
class OperatorInfo:
    """Facts about one operator. False and None mean that a fact is not true, or not known.

    Some facts depend on the operator's arguments. The code that relies on them checks these.
    """

    pointwise: bool = False
    """Each place of the result depends on the same place of the inputs only."""

    pointwise_channels_last: bool = False
    """It is pointwise only where the channels are the last axis, which it works on."""

    window: Window | None = None
    """Each place of the result depends on a window of the input."""

    over_all: bool = False
    """Each place of the result may depend on all places of the input."""

    rearranges_channels: bool = False
    """It arranges or selects along the axes before rows and columns, and leaves these alone."""

    axes: frozenset[int] | None = None
    """The axes it may name if it is to leave rows and columns as they are; None allows all."""

    permutes_axes: bool = False
    """It puts the axes into another order."""

    flattens: bool = False
    """Its result may have lost the places: (C, H, W) becomes (C,)."""

    fresh: bool = False
    """Its result never shares memory with an input."""

    weighted: bool = False
    """It is a convolution or a matrix product."""

    foldable_axes: int | None = None
    """A batch norm after it can be folded into its weights, if the result for one image has as
    many axes."""

    bounds: tuple[Bound | None, Bound | None] | None = None
    """It limits its input to (lower, upper)."""

    counts_for_depth: bool = False
    """It is one of the layers by which Mahendran & Vedaldi count depth, as rectifiers also are."""


UNKNOWN = OperatorInfo()

_POINTWISE = OperatorInfo(pointwise=True)
_FRESH_POINTWISE = OperatorInfo(pointwise=True, fresh=True)
_FRESH = OperatorInfo(fresh=True)
_WEIGHTED = OperatorInfo(weighted=True)
_REARRANGES = OperatorInfo(rearranges_channels=True)
_RESHAPES = OperatorInfo(rearranges_channels=True, flattens=True)
_STATISTICS = OperatorInfo(over_all=True, fresh=True)

OPERATORS: Mapping[str, OperatorInfo] = {
    # Rectifiers and other clamps.
    "relu": OperatorInfo(pointwise=True, fresh=True, bounds=(0.0, inf)),
    "relu6": OperatorInfo(pointwise=True, fresh=True, bounds=(0.0, 6.0)),
    "hardtanh": OperatorInfo(pointwise=True, fresh=True, bounds=("min_val", "max_val")),
    "clamp": OperatorInfo(pointwise=True, fresh=True, bounds=("min", "max")),
    "clip": OperatorInfo(bounds=("min", "max")),
    "clamp_min": OperatorInfo(pointwise=True, fresh=True, bounds=("min", None)),
    "clamp_max": OperatorInfo(pointwise=True, fresh=True, bounds=(None, "max")),
    # Other activation functions.
    "elu": _FRESH_POINTWISE,
    "gelu": _FRESH_POINTWISE,
    "hardsigmoid": _FRESH_POINTWISE,
    "hardswish": _FRESH_POINTWISE,
    "leaky_relu": _FRESH_POINTWISE,
    "mish": _FRESH_POINTWISE,
    "prelu": _POINTWISE,
    "selu": _FRESH_POINTWISE,
    "sigmoid": _FRESH_POINTWISE,
    "silu": _FRESH_POINTWISE,
    "softplus": _FRESH_POINTWISE,
    "tanh": _FRESH_POINTWISE,
    "threshold": UNKNOWN,
    # Arithmetic.
    "abs": _FRESH_POINTWISE,
    "add": _FRESH_POINTWISE,
    "div": _FRESH_POINTWISE,
    "exp": _FRESH_POINTWISE,
    "maximum": _POINTWISE,
    "minimum": _POINTWISE,
    "mul": _FRESH_POINTWISE,
    "neg": _FRESH_POINTWISE,
    "pow": _FRESH_POINTWISE,
    "sqrt": _FRESH_POINTWISE,
    "square": _POINTWISE,
    "sub": _FRESH_POINTWISE,
    # The same values, perhaps in the same memory.
    "alias": _POINTWISE,
    "clone": _FRESH_POINTWISE,
    "contiguous": _POINTWISE,
    "detach": _POINTWISE,
    "dropout": _POINTWISE,
    "feature_dropout": _POINTWISE,
    "to": _POINTWISE,
    # Convolutions and matrix products.
    "addmm": OperatorInfo(weighted=True, counts_for_depth=True),
    "conv1d": OperatorInfo(fresh=True, weighted=True, foldable_axes=2),
    "conv2d": OperatorInfo(
        window=Window.CONVOLUTION,
        fresh=True,
        weighted=True,
        foldable_axes=3,
        counts_for_depth=True,
    ),
    "conv3d": OperatorInfo(weighted=True, foldable_axes=4),
    # The weights of a transposed convolution have other axes, so that nothing is folded into them.
    "conv_transpose2d": _WEIGHTED,
    "linear": OperatorInfo(
        pointwise_channels_last=True,
        fresh=True,
        weighted=True,
        foldable_axes=1,
        counts_for_depth=True,
    ),
    "matmul": OperatorInfo(fresh=True, weighted=True),
    "mm": _WEIGHTED,
    # Windows without weights.
    "avg_pool2d": OperatorInfo(window=Window.AVERAGE_POOL, fresh=True, counts_for_depth=True),
    "constant_pad_nd": OperatorInfo(window=Window.PADDING),
    "max_pool2d": OperatorInfo(window=Window.MAX_POOL, fresh=True, counts_for_depth=True),
    "pad": OperatorInfo(window=Window.PADDING, fresh=True),
    # Normalization.
    "_native_batch_norm_legit_no_training": _POINTWISE,
    "batch_norm": OperatorInfo(pointwise=True, fresh=True, counts_for_depth=True),
    "group_norm": _STATISTICS,
    "instance_norm": _STATISTICS,
    "layer_norm": OperatorInfo(pointwise_channels_last=True, fresh=True),
    # Means and sums over places.
    "adaptive_avg_pool2d": _STATISTICS,
    "adaptive_max_pool2d": _STATISTICS,
    "mean": OperatorInfo(over_all=True, flattens=True, fresh=True),
    "sum": _FRESH,
    # Layout.
    "cat": _FRESH_POINTWISE,
    "chunk": _REARRANGES,
    "flatten": OperatorInfo(flattens=True),
    "getitem": _REARRANGES,
    "permute": OperatorInfo(permutes_axes=True),
    "reshape": _RESHAPES,
    "select": OperatorInfo(rearranges_channels=True, axes=frozenset({1})),
    "slice": OperatorInfo(rearranges_channels=True, axes=frozenset({0, 1})),
    "split": _REARRANGES,
    "squeeze": OperatorInfo(flattens=True),
    # Only between groups and channels of a channel shuffle, (B, groups, C / groups, H, W).
    "transpose": OperatorInfo(rearranges_channels=True, axes=frozenset({1, 2})),
    "unsqueeze": OperatorInfo(rearranges_channels=True, axes=frozenset({1})),
    "view": _RESHAPES,
    # Attention, and other operators of well-known models.
    "_assert_tensor_metadata": UNKNOWN,
    "_unsafe_view": UNKNOWN,
    "_upsample_bicubic2d_aa": UNKNOWN,
    "einsum": UNKNOWN,
    "eq": UNKNOWN,
    "expand": UNKNOWN,
    "fill": UNKNOWN,
    "index": UNKNOWN,
    "linalg_vector_norm": UNKNOWN,
    "masked_fill": UNKNOWN,
    "ne": UNKNOWN,
    "new_zeros": UNKNOWN,
    "reshape_as": UNKNOWN,
    "rms_norm": UNKNOWN,
    "roll": UNKNOWN,
    "scaled_dot_product_attention": UNKNOWN,
    "slice_scatter": UNKNOWN,
    "softmax": _FRESH,
    "split_with_sizes": UNKNOWN,
    "swapaxes": UNKNOWN,
    "sym_size": UNKNOWN,
    "unbind": UNKNOWN,
    "unflatten": UNKNOWN,
    "var": UNKNOWN,
    "zero": UNKNOWN,
}
