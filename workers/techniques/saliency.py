"""Saliency: |∂ unit / ∂ input|, the strongest channel per pixel (Simonyan et al. 2014).

With several samples it is SmoothGrad (Smilkov et al. 2017).
"""

from dataclasses import asdict, dataclass
from functools import partial

from torch import Tensor

from catalog.techniques.saliency import TECHNIQUE, SaliencyParams, SaliencySummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.attribution.zero_maps import no_gradient
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.input_gradient import (
    gradient_magnitude,
    input_gradient,
    strongest_channel,
)
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit

UNITS = "change of the {score} per unit of the network's normalized input"


@dataclass(frozen=True)
class Saliency:
    """The mean gradient of a unit over noisy copies of x (1, C, H, W)."""

    unit: Unit
    x: Tensor
    copies: NoisyCopies

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the gradient (C, H, W)."""
        gradient = partial(input_gradient, network, self.unit)
        return smoothgrad(gradient, self.x, self.copies, progress, log)

    def to_map(self, gradient: Tensor) -> Tensor:
        """Return the largest magnitude per pixel, (H, W)."""
        return gradient_magnitude(gradient)

    def why_zero(self, explained: ExplainedInput, _gradient: Tensor) -> str:
        """Say that the target has no gradient."""
        return no_gradient(explained)


def run(task: Task[SaliencyParams], context: Context) -> SaliencySummary:
    """Save the heatmap of the gradient, signed or as a magnitude, and its check if requested.

    Raises ZeroMap, NotFinite or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    copies = NoisyCopies(params.samples, params.noise, task.seed)
    saliency = Saliency(explained.unit, explained.model_input.x, copies)
    attribution = Attribution(explained, saliency, context, params, task.seed, TECHNIQUE.title)
    gradient = attribution.explain()
    magnitude = saliency.to_map(gradient)
    shown = strongest_channel(gradient) if params.reduce == "signed" else magnitude
    result = attribution.save(magnitude, UNITS, shown=shown, tail=0.5)
    return SaliencySummary(**asdict(result))
