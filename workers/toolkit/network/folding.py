"""Batch norm folded into the convolution or linear layer before it: one operator less.

In eval mode a batch norm is a scale s = weight / √(variance + ε) and a shift per channel, so that
W' = s W and b' = s (b − mean) + shift.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info, operator_name, shape_of

# input, scale, shift, mean, variance, training, momentum, ε
_NORM_ARGUMENTS = 8

Constants = tuple[Tensor, Tensor]
"""(weight, bias)"""


@dataclass(frozen=True)
class Folding:
    """The number of folded batch norms, and the error that this causes.

    The error is the largest difference of any output, divided by the largest output, for the
    probe inputs. It is None if the outputs are not finite.
    """

    folded: int
    error: float | None


@dataclass
class Folded:
    """The folded weights of one model, for all graphs with the same parameters and names."""

    _made: dict[tuple[str, ...], Constants] = field(default_factory=dict)

    def of(self, part: fx.GraphModule, names: tuple[str, ...], epsilon: float) -> Constants:
        """Return the weights that are folded from the parameters of these names, made once.

        The names are those of weight, bias, and the batch norm's scale, shift, mean and variance.
        An empty name stands for a parameter that is absent.
        """
        if names not in self._made:
            self._made[names] = _folded([_constant(part, name) for name in names], epsilon)
        return self._made[names]

    def without(self, name: str) -> "Folded":
        """Return a copy without the weights that were made from that parameter."""
        return Folded({names: made for names, made in self._made.items() if name not in names})

    @property
    def tensors(self) -> list[Tensor]:
        """All folded weights and biases."""
        return [tensor for made in self._made.values() for tensor in made]


def fold(part: fx.GraphModule, folded: Folded) -> int:
    """Fold, in place, every batch norm with constant statistics that can be folded.

    No other operator may read the batch norm's input. Return how many batch norms were folded.
    """
    norms = [node for node in part.graph.nodes if _is_foldable(node)]
    for norm in norms:
        _fold(part, norm, folded)
    if norms:
        part.graph.eliminate_dead_code()
        part.graph.lint()
        part.recompile()
    return len(norms)


def _is_foldable(norm: fx.Node) -> bool:
    if operator_name(norm) != "batch_norm" or len(norm.args) < _NORM_ARGUMENTS:
        return False
    weighted, *constants = norm.args[:5]
    training = norm.args[5]
    if training is not False or None in constants[2:] or not all(map(_is_constant, constants)):
        return False
    assert isinstance(weighted, fx.Node)
    axes = operator_info(weighted).foldable_axes
    if len(shape_of(weighted) or ()) != axes or not all(map(_is_constant, weighted.args[1:3])):
        return False
    return not weighted.kwargs and list(weighted.users) == [norm]


def _is_constant(argument: object) -> bool:
    return argument is None or (isinstance(argument, fx.Node) and argument.op == "get_attr")


def _fold(part: fx.GraphModule, norm: fx.Node, folded: Folded) -> None:
    weighted = norm.args[0]
    assert isinstance(weighted, fx.Node)
    read = [*weighted.args[1:3], None][:2] + list(norm.args[1:5])
    names = tuple(str(node.target) if isinstance(node, fx.Node) else "" for node in read)
    epsilon = norm.args[7]
    assert isinstance(epsilon, float)
    made = []
    with part.graph.inserting_before(weighted):
        for kind, constant in zip(("weight", "bias"), folded.of(part, names, epsilon), strict=True):
            part.register_buffer(f"{norm.name}_folded_{kind}", constant, persistent=False)
            made.append(part.graph.get_attr(f"{norm.name}_folded_{kind}"))
            made[-1].meta["val"] = constant
    weighted.args = (weighted.args[0], *made, *weighted.args[3:])
    weighted.meta = norm.meta
    norm.replace_all_uses_with(weighted)
    part.graph.erase_node(norm)


def _constant(part: fx.GraphModule, name: str) -> Tensor | None:
    if not name:
        return None
    owner, _, last = name.rpartition(".")
    value = getattr(part.get_submodule(owner), last)
    assert isinstance(value, Tensor)
    return value.detach()


def _folded(constants: list[Tensor | None], epsilon: float) -> Constants:
    """Compute the folded weights in double precision; W (out, …) keeps its memory format."""
    like = constants[0]
    assert like is not None
    weight, bias, gain, shift, mean, variance = (
        None if one is None else one.double() for one in constants
    )
    assert weight is not None and mean is not None and variance is not None
    scale = (variance + epsilon).rsqrt()
    scale = scale if gain is None else scale * gain
    moved = -mean if bias is None else bias - mean
    new_bias = moved * scale if shift is None else moved * scale + shift
    new_weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    return torch.empty_like(like).copy_(new_weight), new_bias.to(like)
