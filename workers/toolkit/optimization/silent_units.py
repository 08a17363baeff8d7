"""Units that do not answer: how they are woken, and what is said of those that cannot be.

A unit is silent at a picture where its value has no gradient at all, as behind a ReLU that is off
everywhere. Plain gradient ascent then leaves the picture as it is, or turns it into noise.
"""

from typing import Any

import torch
from torch import Tensor, fx

from workers.toolkit.errors import UnitSilent
from workers.toolkit.execution.gradients import gradient_by_image
from workers.toolkit.network.graph import operator_info, operator_name, tensor_inputs
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.operators import Window
from workers.toolkit.network.rectifier_patterns import find_rectifier, is_rectifier
from workers.toolkit.network.unit import Unit


def answering_value(
    network: Network, unit: Unit, x: Tensor, rule: Rule | None, waking: Rule | None
) -> Tensor:
    """Return the unit's value for each image, (B, C, H, W) → (B,), with a gradient if there is one.

    The gradient follows `rule`. For images at which the unit is silent it follows `waking`.
    """
    value, gradient = _value_and_gradient(network, unit, x, rule)
    silent = ~gradient.flatten(1).any(1)
    if waking is not None and waking is not rule and bool(silent.any()):
        _, woken = _value_and_gradient(network, unit, x, waking)
        gradient = torch.where(silent[:, None, None, None], woken, gradient)
    answer: Tensor = _Given.apply(x, value, gradient)
    return answer


def silent_at(network: Network, unit: Unit, x: Tensor) -> Tensor:
    """Return for each image (B, C, H, W) whether the unit is silent there, (B,).

    A rectifier at its upper bound has no gradient either, but is not silent.
    """
    value, gradient = _value_and_gradient(network, unit, x, None)
    silent = ~gradient.flatten(1).any(1)
    if rectifier_of(network, unit) is None:
        return silent
    return silent & (value <= 0)


def refusal(network: Network, unit: Unit, tried: str) -> UnitSilent:
    """Return the error for a unit that stayed silent; `tried` says at what."""
    node = rectifier_of(network, unit)
    said = f"{_text(unit, unit.path)} is silent at {tried}: "
    if node is None:
        why = "the ReLUs before it are off" if network.rectifiers(unit.path) else "no gradient"
        return UnitSilent(f"{said}{why}, and no step changed its value. Choose an earlier layer.")
    before = _named_before(network, node)
    named = "." if before is None else f": {_text(unit, before)}."
    return UnitSilent(f"{said}its ReLU is off everywhere. Try the layer before the ReLU{named}")


def rectifier_of(network: Network, unit: Unit) -> fx.Node | None:
    """Return the ReLU whose output the unit is, perhaps behind a pool, or None."""
    node: fx.Node | None = None if unit.is_class else network.layers[unit.path]
    while node is not None and not is_rectifier(node):
        node = _source(node) if _keeps_channels(node) else None
    return node


def _named_before(network: Network, rectifier: fx.Node) -> str | None:
    """Return the nearest layer before the ReLU that has its channels, or None if it has no name."""
    names: dict[fx.Node, str] = {}
    for path, layer in network.layers.items():
        names[layer] = min(names.get(layer, path), path, key=len)
    found = find_rectifier(rectifier)
    node = found.source if found else None
    while node is not None and node not in names:
        node = _source(node) if _keeps_channels(node) else None
    return None if node is None else names[node]


def _source(node: fx.Node) -> fx.Node | None:
    """Return the only tensor that the operator reads, or None if there are several."""
    sources = tensor_inputs(node)
    return sources[0] if len(sources) == 1 else None


def _keeps_channels(node: fx.Node) -> bool:
    """Return whether each channel of the output depends on the same channel of the input only."""
    info = operator_info(node)
    pools = info.window in (Window.MAX_POOL, Window.AVERAGE_POOL)
    return info.pointwise or pools or operator_name(node).startswith("adaptive_")


def _text(unit: Unit, path: str) -> str:
    """Return the target's text form, with the unit's channel and position in that layer."""
    channel = "" if unit.channel is None else f":{unit.channel}"
    place = "" if unit.position is None else "@" + ",".join(map(str, unit.position))
    return f"{path or 'class'}{channel}{place}"


def _value_and_gradient(
    network: Network, unit: Unit, x: Tensor, rule: Rule | None
) -> tuple[Tensor, Tensor]:
    """Return the unit's values (B,) and their gradients (B, C, H, W)."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        loss = -unit.value(network, leaf, rule)  # a rule may depend on the sign
        gradient = gradient_by_image(loss, leaf)
    return -loss.detach(), -gradient


class _Given(torch.autograd.Function):
    """Values whose gradient by x is already known."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradients[0][:, None, None, None] * gradient, None, None
