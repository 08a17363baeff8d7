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


class PlaceEffect(Enum):
    """What an operator does to the places of its values; `place_rules` follows it."""

    KEEPS = "each value belongs to the place of the values that it is computed from"
    MOVES = "values are moved, copied or dropped, and nothing is computed"
    PADS = "values are put around a tensor"
    WINDOW = "a window slides over rows and columns"
    RESIZES = "rows and columns are resized or pooled to others over the same image"
    REDUCES = "values along axes become one"
    LINEAR = "values along the last axis are combined"
    PRODUCT = "a matrix product"
    ATTENTION = "each query is answered by all keys"
    EINSUM = "a sum of products"
    GATES = "one half of the values along an axis is multiplied by a function of the other half"
    ACROSS_CHANNELS = "a window slides over the channels"
    CREATES = "a constant tensor that takes only its type or shape from another one"


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

    stops_gradient: bool = False
    """Its derivative is zero or not defined, whatever the input."""

    counts_for_depth: bool = False
    """It is one of the layers by which Mahendran & Vedaldi count depth, as rectifiers also are."""

    place_effect: PlaceEffect | None = None
    """What it does to places, if `effect` cannot tell that from its other facts."""

    @property
    def effect(self) -> PlaceEffect | None:
        """What it does to the places of its values; None if that is not known."""
        if self.place_effect is not None:
            return self.place_effect
        if self.window is not None:
            return PlaceEffect.PADS if self.window is Window.PADDING else PlaceEffect.WINDOW
        return PlaceEffect.KEEPS if self.pointwise else None


UNKNOWN = OperatorInfo()

_POINTWISE = OperatorInfo(pointwise=True)
_FRESH_POINTWISE = OperatorInfo(pointwise=True, fresh=True)
_KEEPS = OperatorInfo(place_effect=PlaceEffect.KEEPS)
_MOVES = OperatorInfo(place_effect=PlaceEffect.MOVES)
_REARRANGES = OperatorInfo(rearranges_channels=True, place_effect=PlaceEffect.MOVES)
_RESHAPES = OperatorInfo(rearranges_channels=True, flattens=True, place_effect=PlaceEffect.MOVES)
_NORMALIZES = OperatorInfo(over_all=True, fresh=True, place_effect=PlaceEffect.KEEPS)
_POOLS = OperatorInfo(over_all=True, fresh=True, place_effect=PlaceEffect.RESIZES)
_RESIZES = OperatorInfo(place_effect=PlaceEffect.RESIZES)
_REDUCES = OperatorInfo(place_effect=PlaceEffect.REDUCES)
_CREATES = OperatorInfo(place_effect=PlaceEffect.CREATES, stops_gradient=True)
_STEPS = OperatorInfo(place_effect=PlaceEffect.KEEPS, stops_gradient=True)


def _layout_operator(*axes: int) -> OperatorInfo:
    return OperatorInfo(
        rearranges_channels=True, axes=frozenset(axes), place_effect=PlaceEffect.MOVES
    )


OPERATORS: Mapping[str, OperatorInfo] = {
    # Rectifiers and other clamps.
    "relu": OperatorInfo(pointwise=True, fresh=True, bounds=(0.0, inf)),
    "relu6": OperatorInfo(pointwise=True, fresh=True, bounds=(0.0, 6.0)),
    "hardtanh": OperatorInfo(pointwise=True, fresh=True, bounds=("min_val", "max_val")),
    "clamp": OperatorInfo(pointwise=True, fresh=True, bounds=("min", "max")),
    "clip": OperatorInfo(bounds=("min", "max"), place_effect=PlaceEffect.KEEPS),
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
    "threshold": _KEEPS,
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
    "detach": OperatorInfo(pointwise=True, stops_gradient=True),
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
    "conv_transpose2d": OperatorInfo(weighted=True, place_effect=PlaceEffect.RESIZES),
    "linear": OperatorInfo(
        pointwise_channels_last=True,
        fresh=True,
        weighted=True,
        foldable_axes=1,
        counts_for_depth=True,
        place_effect=PlaceEffect.LINEAR,
    ),
    "bmm": OperatorInfo(place_effect=PlaceEffect.PRODUCT),
    "matmul": OperatorInfo(fresh=True, weighted=True, place_effect=PlaceEffect.PRODUCT),
    "mm": OperatorInfo(weighted=True, place_effect=PlaceEffect.PRODUCT),
    # Windows without weights.
    "avg_pool2d": OperatorInfo(window=Window.AVERAGE_POOL, fresh=True, counts_for_depth=True),
    "constant_pad_nd": OperatorInfo(window=Window.PADDING),
    "max_pool2d": OperatorInfo(window=Window.MAX_POOL, fresh=True, counts_for_depth=True),
    "pad": OperatorInfo(window=Window.PADDING, fresh=True),
    # Normalization.
    "_native_batch_norm_legit_no_training": _POINTWISE,
    "batch_norm": OperatorInfo(pointwise=True, fresh=True, counts_for_depth=True),
    "group_norm": _NORMALIZES,
    "instance_norm": _NORMALIZES,
    "layer_norm": OperatorInfo(
        pointwise_channels_last=True, fresh=True, place_effect=PlaceEffect.KEEPS
    ),
    "rms_norm": _KEEPS,
    # Means and sums over places.
    "adaptive_avg_pool2d": _POOLS,
    "adaptive_max_pool2d": _POOLS,
    "amax": _REDUCES,
    "amin": _REDUCES,
    "linalg_vector_norm": _REDUCES,
    "logsumexp": _REDUCES,
    "max": _REDUCES,
    "mean": OperatorInfo(
        over_all=True, flattens=True, fresh=True, place_effect=PlaceEffect.REDUCES
    ),
    "median": _REDUCES,
    "min": _REDUCES,
    "std": _REDUCES,
    "sum": OperatorInfo(fresh=True, place_effect=PlaceEffect.REDUCES),
    "var": _REDUCES,
    "var_mean": _REDUCES,
    # Layout.
    "cat": OperatorInfo(pointwise=True, fresh=True, place_effect=PlaceEffect.MOVES),
    "chunk": _REARRANGES,
    "expand": _MOVES,
    "expand_as": _MOVES,
    "flatten": OperatorInfo(flattens=True, place_effect=PlaceEffect.MOVES),
    "flip": _MOVES,
    "getitem": _REARRANGES,
    "index": _MOVES,
    "index_select": _MOVES,
    "avg_pool3d": OperatorInfo(place_effect=PlaceEffect.ACROSS_CHANNELS),
    "glu": OperatorInfo(place_effect=PlaceEffect.GATES),
    "movedim": _MOVES,
    "channel_shuffle": _MOVES,
    "gather": _MOVES,
    "rot90": _MOVES,
    "tensor_split": _MOVES,
    "diagonal": _MOVES,
    "take_along_dim": _MOVES,
    "narrow": _MOVES,
    "permute": OperatorInfo(permutes_axes=True, place_effect=PlaceEffect.MOVES),
    "repeat": _MOVES,
    "repeat_interleave": _MOVES,
    "reshape": _RESHAPES,
    "reshape_as": _MOVES,
    "roll": _MOVES,
    "select": _layout_operator(1),
    "select_scatter": _MOVES,
    "slice": _layout_operator(0, 1),
    "slice_scatter": _MOVES,
    "split": _REARRANGES,
    "split_with_sizes": _MOVES,
    "squeeze": OperatorInfo(flattens=True, place_effect=PlaceEffect.MOVES),
    "stack": _MOVES,
    "swapaxes": _MOVES,
    "tile": _MOVES,
    # Only between groups and channels of a channel shuffle, (B, groups, C / groups, H, W).
    "transpose": _layout_operator(1, 2),
    "unbind": _MOVES,
    "unflatten": _MOVES,
    "unfold": _MOVES,
    "unsqueeze": _layout_operator(1),
    "view": _RESHAPES,
    "view_as": _MOVES,
    "_unsafe_view": _MOVES,
    # Resizing.
    "_upsample_bicubic2d_aa": _RESIZES,
    "fractional_max_pool2d": _RESIZES,
    "max_unpool2d": _RESIZES,
    "pixel_shuffle": _RESIZES,
    "pixel_unshuffle": _RESIZES,
    "_upsample_bilinear2d_aa": _RESIZES,
    "upsample_bicubic2d": _RESIZES,
    "upsample_bilinear2d": _RESIZES,
    "upsample_nearest2d": _RESIZES,
    # Attention, and other operators of well-known models.
    "_assert_tensor_metadata": UNKNOWN,
    "einsum": OperatorInfo(place_effect=PlaceEffect.EINSUM),
    "eq": _KEEPS,
    "fill": _CREATES,
    "masked_fill": _KEEPS,
    "type_as": _KEEPS,
    "acos": _KEEPS,
    "asin": _KEEPS,
    "atan": _KEEPS,
    "atan2": _KEEPS,
    "copysign": _KEEPS,
    "cosh": _KEEPS,
    "digamma": _KEEPS,
    "erfc": _KEEPS,
    "exp2": _KEEPS,
    "expm1": _KEEPS,
    "fmod": _KEEPS,
    "frac": _KEEPS,
    "hypot": _KEEPS,
    "isnan": _KEEPS,
    "lgamma": _KEEPS,
    "log10": _KEEPS,
    "log1p": _KEEPS,
    "log2": _KEEPS,
    "logaddexp": _KEEPS,
    "logical_and": _KEEPS,
    "logical_not": _KEEPS,
    "logical_or": _KEEPS,
    "logit": _KEEPS,
    "nan_to_num": _KEEPS,
    "remainder": _KEEPS,
    "rrelu": _KEEPS,
    "sinc": _KEEPS,
    "sinh": _KEEPS,
    "tan": _KEEPS,
    "xlogy": _KEEPS,
    "addcdiv": _KEEPS,
    "addcmul": _KEEPS,
    "celu": _KEEPS,
    "lerp": _KEEPS,
    "cos": _KEEPS,
    "erf": _KEEPS,
    "floor": _STEPS,
    "ge": _KEEPS,
    "gt": _KEEPS,
    "hardshrink": _KEEPS,
    "le": _KEEPS,
    "log": _KEEPS,
    "log_sigmoid": _KEEPS,
    "log_softmax": _KEEPS,
    "lt": _KEEPS,
    "reciprocal": _KEEPS,
    "round": _STEPS,
    "rsqrt": _KEEPS,
    "rsub": _KEEPS,
    "sign": _STEPS,
    "sin": _KEEPS,
    "softshrink": _KEEPS,
    "where": _KEEPS,
    "ne": _KEEPS,
    "empty_like": _CREATES,
    "full_like": _CREATES,
    "new_full": _CREATES,
    "new_ones": _CREATES,
    "new_zeros": _CREATES,
    "ones_like": _CREATES,
    "zeros_like": _CREATES,
    "scaled_dot_product_attention": OperatorInfo(place_effect=PlaceEffect.ATTENTION),
    "softmax": OperatorInfo(fresh=True, place_effect=PlaceEffect.KEEPS),
    "sym_size": UNKNOWN,
    "zero": _CREATES,
    # Further steps, and tensors that have only the shape of their input.
    "bernoulli": _CREATES,
    "ceil": _STEPS,
    "floor_divide": _STEPS,
    "heaviside": _STEPS,
    "new_empty": _CREATES,
    "rand_like": _CREATES,
    "randn_like": _CREATES,
    "sgn": _STEPS,
    "trunc": _STEPS,
}
