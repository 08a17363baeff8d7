"""What a dream climbs towards: layers, channels and classes with weights, or what a guide image shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.errors import NoGuide
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.unit import Unit

_AT_ONCE = 1 << 24  # products of guide and dream held at a time


@dataclass(frozen=True)
class WeightedObjective:
    """One target. `scale` brings targets of unlike layers to one size; `guide` holds features to grow towards."""

    name: str
    unit: Unit
    weight: float = 1.0
    scale: float = 1.0
    guide: Tensor | None = None  # (N, C)

    def score(self, output: Tensor) -> Tensor:
        """The layer's output (B, C) or (B, C, H, W) → (B,).

        ½ mean a² of a layer; the mean of a channel, a class's logit. With a guide: the mean over all places of the
        largest product with one of its features, divided by their length C.
        """
        if self.guide is not None:
            return guided_score(output, self.guide)
        if self.unit.channel is None:
            return 0.5 * output.square().flatten(1).mean(1)
        return self.unit.read(output)


def scores(
    network: Network, aims: Sequence[WeightedObjective], x: Tensor, rule: Rule | None = None
) -> Tensor:
    """The network's input (B, C, H, W) → (aims, B), from one pass."""
    paths = tuple(dict.fromkeys(aim.unit.path for aim in aims))
    outputs = dict(zip(paths, network.run_all(x, paths, rule), strict=True))
    return torch.stack([aim.score(outputs[aim.unit.path]) for aim in aims])


@torch.no_grad()
def normalized(
    network: Network, aim: WeightedObjective, photograph: Tensor, guide: Tensor | None
) -> WeightedObjective:
    """Measured by how strongly the layer answers the photograph, so that weights can be compared across layers.

    Both images are network inputs (1, C, H, W). A layer's score grows with the square of its answer, all others with
    the answer itself.
    """
    answer = network.run(photograph, aim.unit.path)
    if aim.unit.channel is not None:
        return WeightedObjective(aim.name, aim.unit, aim.weight, 1 / _size(answer))
    if guide is None:
        return WeightedObjective(aim.name, aim.unit, aim.weight, 1 / _size(answer) ** 2)
    seen = _places(network.run(guide, aim.unit.path))[0].T  # (N, C)
    return WeightedObjective(
        aim.name, aim.unit, aim.weight, 1 / (_size(answer) * _size(seen)), seen
    )


def check_guide(aims: Sequence[WeightedObjective]) -> None:
    """Raises NoGuide where no target could follow a guide."""
    if all(aim.unit.channel is not None for aim in aims):
        raise NoGuide(
            "A guide leads layers, and there is none among the targets. Name one, or leave out the guide."
        )


def guided_score(output: Tensor, guide: Tensor) -> Tensor:
    """Mean over places of max over n of ⟨a, g_n⟩ / C; the choice has no gradient: (B, C, H, W), (N, C) → (B,)."""
    places = _places(output)
    with torch.no_grad():
        pieces = torch.split(places, max(1, _AT_ONCE // (len(guide) * len(places))), dim=2)
        nearest = torch.cat([(guide @ piece).argmax(1) for piece in pieces], dim=1)  # (B, P)
    return (places * guide[nearest].transpose(1, 2)).mean((1, 2))


def _places(output: Tensor) -> Tensor:
    """(B, C) or (B, C, H, W) → (B, C, P)"""
    return output.flatten(2) if output.ndim == 4 else output[..., None]


def _size(answer: Tensor) -> float:
    """Root of the mean square; 1 where there is nothing to measure by."""
    return float(answer.square().mean().sqrt()) or 1.0
