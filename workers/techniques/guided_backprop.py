"""Guided backpropagation and the deconvnet: gradients with another rule at every ReLU.

Springenberg et al. 2015; Zeiler & Fergus 2014.
"""

from dataclasses import asdict, dataclass
from functools import partial

from torch import Tensor

from catalog.techniques.guided_backprop import (
    TECHNIQUE,
    GuidedBackpropParams,
    GuidedBackpropSummary,
)
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.attribution.zero_maps import no_gradient
from workers.toolkit.errors import NoRectifier
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.execution.input_gradient import gradient_magnitude, input_gradient
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.network.hidden_rectifiers import refuse_hidden
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.rectifiers import deconvnet, guided
from workers.toolkit.network.unit import Unit
from workers.toolkit.rendering.gradient_picture import gradient_picture
from workers.toolkit.rendering.placed_map import reduced

UNITS = "modified gradient by the network's normalized input, largest magnitude over the channels"
RULES: dict[str, Rule] = {"guided": guided, "deconvnet": deconvnet}


@dataclass(frozen=True)
class GuidedBackprop:
    """The mean modified gradient of a unit over noisy copies of x (1, C, H, W)."""

    unit: Unit
    x: Tensor
    copies: NoisyCopies
    rule: Rule

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the modified gradient (C, H, W)."""
        gradient = partial(input_gradient, network, self.unit, rule=self.rule)
        return smoothgrad(gradient, self.x, self.copies, progress, log)

    def to_map(self, gradient: Tensor) -> Tensor:
        """Return the largest magnitude per pixel, (H, W)."""
        return gradient_magnitude(gradient)

    def why_zero(self, explained: ExplainedInput, _gradient: Tensor) -> str:
        """Say that the target has no gradient, or none that the rule lets through."""
        path, x = self.unit.path, self.x
        if bool(input_gradient(explained.model.network, self.unit, x).any()):
            return f"The rule lets no gradient of {path or 'the class'!r} through. Use saliency."
        return no_gradient(explained)


def run(task: Task[GuidedBackpropParams], context: Context) -> GuidedBackpropSummary:
    """Save the modified gradient as a picture and as a heatmap, and its check if requested.

    Raises NoRectifier, HiddenRectifier, ZeroMap, NotFinite or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    rectifiers = _count_rectifiers(explained, params.rule)
    explainer = GuidedBackprop(
        explained.unit,
        explained.model_input.x,
        NoisyCopies(params.samples, params.noise, task.seed),
        RULES[params.rule],
    )
    attribution = Attribution(explained, explainer, context, params, task.seed, TECHNIQUE.title)
    gradient = attribution.explain()
    shown = gradient[list(task.model.preprocessing.shown)]
    save_png(context, "gradient.png", reduced(gradient_picture(shown), params.picture_side))
    result = attribution.save(explainer.to_map(gradient), UNITS, tail=0.5)
    return GuidedBackpropSummary(**asdict(result), rule=params.rule, rectifiers=rectifiers)


def _count_rectifiers(explained: ExplainedInput, rule: str) -> int:
    """Return the number of ReLUs before the unit. Raises NoRectifier or HiddenRectifier."""
    model, path = explained.model, explained.unit.path
    refuse_hidden(model.network.hidden_rectifiers(path))
    count = len(model.network.rectifiers(path))
    if not count:
        raise NoRectifier(
            f"There is no ReLU between the input and the target in {model.name!r}, so {rule!r} "
            "would only be the plain gradient. Use saliency, or another model or target."
        )
    return count
