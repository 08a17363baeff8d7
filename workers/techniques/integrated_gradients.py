"""Integrated gradients: the score's change from a baseline, attributed to the pixels.

Sundararajan et al. 2017, Axiomatic Attribution for Deep Networks.
"""

from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite

import torch
from torch import Tensor

from catalog.techniques.integrated_gradients import (
    TECHNIQUE,
    IntegratedGradientsParams,
    IntegratedGradientsSummary,
)
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.attribution.integrated_gradients import integrated_gradients
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.attribution.zero_maps import no_gradient
from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel

# The standard deviation of a blurred baseline, as a share of the input's side: no shape is left.
BLUR = 32 / 224
UNITS = "part of the change of the {score} from the baseline"


@dataclass
class _PointProgress:
    """Progress in points of the line integral, over all noisy copies."""

    report: Progress
    steps: int
    samples: int
    done_copies: int = 0

    def copies(self, done: int, _total: int, _message: str) -> None:
        """Report that `done` copies are complete."""
        self.done_copies = done
        self.points(0)

    def points(self, done: int) -> None:
        """Report that `done` points of the next copy are complete."""
        total = self.steps * self.samples
        self.report(self.done_copies * self.steps + done, total, "points")


@dataclass(frozen=True)
class IntegratedGradients:
    """The mean integrated gradients of a unit over noisy copies of x (1, C, H, W)."""

    unit: Unit
    x: Tensor
    copies: NoisyCopies
    baseline: Tensor  # (1, C, H, W)
    steps: int

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the attribution of each value of the input, (C, H, W).

        The log keeps the points of a single copy, or each of several copies as a whole.
        """
        single = self.copies.samples == 1
        points_log, copies_log = (log, None) if single else (None, log)
        gradient = partial(input_gradient, network, self.unit)
        counter = _PointProgress(progress, self.steps, self.copies.samples)

        def integrate(copy: Tensor) -> Tensor:
            return integrated_gradients(
                gradient, copy, self.baseline, self.steps, counter.points, points_log
            )

        return smoothgrad(integrate, self.x, self.copies, counter.copies, copies_log, batch=1)

    def to_map(self, attributions: Tensor) -> Tensor:
        """Return the sum over the channels, (H, W)."""
        return attributions.sum(0)

    def why_zero(self, explained: ExplainedInput, _attributions: Tensor) -> str:
        """Say that the image is the baseline, or that the target has no gradient."""
        if bool((self.x == self.baseline).all()):
            return "The image is the baseline itself. Choose another `baseline`."
        return no_gradient(explained)


def run(task: Task[IntegratedGradientsParams], context: Context) -> IntegratedGradientsSummary:
    """Save the heatmap of the attributions, and its check if requested.

    Raises ZeroMap, NotFinite or OutOfMemory.
    """
    params, model = task.params, task.model
    explained = explain_input(model, task.seen(), task.target)
    unit, x = explained.unit, explained.model_input.x
    copies = NoisyCopies(params.samples, params.noise, task.seed)
    baseline = _baseline(model, x, params.baseline)
    explainer = IntegratedGradients(unit, x, copies, baseline, params.steps)
    attribution = Attribution(explained, explainer, context, params, task.seed, TECHNIQUE.title)
    values = explainer.to_map(attribution.explain())
    with torch.no_grad():
        baseline_score = float(unit.value(model.network, baseline))
    if not isfinite(baseline_score):
        raise NotFinite(
            f"The score of the baseline {params.baseline!r} is not finite. Choose another baseline."
        )
    result = attribution.save(values, UNITS, tail=2)
    change = result.score_value - baseline_score
    return IntegratedGradientsSummary(
        **asdict(result),
        baseline_score=baseline_score,
        convergence_delta=float(values.double().sum()) - change if params.samples == 1 else None,
    )


def _baseline(model: VisionModel, x: Tensor, kind: str) -> Tensor:
    """Return the baseline of that kind, (1, C, H, W)."""
    preprocessing = model.preprocessing
    sigma = BLUR * min(x.shape[2:])
    return baseline_image(kind, x, preprocessing.mean, preprocessing.std, sigma)[None]
