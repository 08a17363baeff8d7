"""Terms of objectives for layers, channels and classes, and the rule for dead rectifiers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.toolkit.errors import NoGuide
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.network.unit import Unit

# Steps in which an optimization that starts from noise redirects rectifiers, as in Lucid.
WARM_UP_STEPS = 16
# Products of features of guide and picture that are held at a time.
_PRODUCTS_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class TargetTerm:
    """One term of an objective: a target's score times a weight and a scale.

    - `scale` makes the weights of different layers comparable.
    - `guide` holds the features (N, C) of a guide image, which a layer's features are to resemble.
    """

    name: str
    unit: Unit
    weight: float = 1.0
    scale: float = 1.0
    guide: Tensor | None = None

    def score(self, output: Tensor) -> Tensor:
        """Return the score of the layer's output: (B, C) or (B, C, H, W) → (B,).

        The score of a layer is ½ mean a², that of a channel its mean, that of a class its logit.
        With a guide it is the guided score.
        """
        if self.guide is not None:
            return guided_score(output, self.guide)
        if self.unit.channel is None:
            return 0.5 * output.square().flatten(1).mean(1)
        return self.unit.read(output)


def scores(
    network: Network, terms: Sequence[TargetTerm], x: Tensor, rule: Rule | None = None
) -> Tensor:
    """Return all scores from one pass: network inputs (B, C, H, W) → (terms, B)."""
    paths = tuple(dict.fromkeys(term.unit.path for term in terms))
    outputs = dict(zip(paths, network.run_all(x, paths, rule), strict=True))
    return torch.stack([term.score(outputs[term.unit.path]) for term in terms])


@torch.no_grad()
def normalized(
    network: Network, term: TargetTerm, photograph: Tensor, guide: Tensor | None
) -> TargetTerm:
    """Scale a term by the size of the layer's output for the photograph.

    Weights can then be compared across layers. Both images are network inputs (1, C, H, W). A
    layer's score grows with the square of the output, all other scores with the output itself.
    """
    output = network.run(photograph, term.unit.path)
    if term.unit.channel is not None:
        return replace(term, scale=1 / _size(output))
    if guide is None:
        return replace(term, scale=1 / _size(output) ** 2)
    features = _places(network.run(guide, term.unit.path))[0].T  # (N, C)
    return replace(term, scale=1 / (_size(output) * _size(features)), guide=features)


def check_guide(terms: Sequence[TargetTerm]) -> None:
    """Raise NoGuide if none of the targets is a layer."""
    if all(term.unit.channel is not None for term in terms):
        raise NoGuide("`guide` only affects layer targets. Add one, or remove `guide`.")


def guided_score(output: Tensor, guide: Tensor) -> Tensor:
    """Return the mean over places of max over n of ⟨a, g_n⟩ / C.

    The choice of n has no gradient. Shapes: (B, C) or (B, C, H, W), (N, C) → (B,).
    """
    places = _places(output)
    with torch.no_grad():
        length = max(1, _PRODUCTS_AT_ONCE // (len(guide) * len(places)))
        pieces = torch.split(places, length, dim=2)
        nearest = torch.cat([(guide @ piece).argmax(1) for piece in pieces], dim=1)  # (B, P)
    return (places * guide[nearest].transpose(1, 2)).mean((1, 2))


def redirecting_rule(network: Network, path: str) -> Rule | None:
    """Return the rule that redirects rectifiers on the way to a layer, or None if it has none.

    The rule gives a gradient to pictures for which all rectifiers are off, as noise may be.
    """
    return redirected if network.rectifiers(path) else None


def _places(output: Tensor) -> Tensor:
    """Return the features at each place: (B, C) or (B, C, H, W) → (B, C, P)."""
    return output.flatten(2) if output.ndim == 4 else output[..., None]


def _size(output: Tensor) -> float:
    """Return the root mean square, or 1 if all is zero."""
    return float(output.square().mean().sqrt()) or 1.0
