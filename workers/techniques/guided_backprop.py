"""Guided backpropagation and the deconvnet: a gradient with another rule at every ReLU."""

from torch import Tensor

from catalog.techniques.guided_backprop import GuidedBackpropParams, GuidedBackpropSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.smoothgrad import smoothgrad
from workers.toolkit.errors import NoRectifier
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.execution.input_gradient import gradient_magnitude, input_gradient
from workers.toolkit.network.network import Network
from workers.toolkit.network.rectifiers import deconvnet, guided
from workers.toolkit.rendering.heatmap import gradient_picture

UNITS = "modified gradient by the network's normalized input, largest magnitude over the channels"
RULES = {"guided": guided, "deconvnet": deconvnet}


def run(task: Task[GuidedBackpropParams], context: Context) -> GuidedBackpropSummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)
    rectifiers = len(model.network.rectifiers(explained.unit.path))
    if not rectifiers:
        raise NoRectifier(
            f"There is no ReLU between the input and the target in {model.name!r}, so {params.rule!r} would only be "
            "the plain gradient. Use saliency, or another model or target."
        )

    def explain(network: Network, progress: Progress) -> Tensor:
        def gradient(x: Tensor) -> Tensor:
            return input_gradient(network, explained.unit, x, RULES[params.rule])

        return smoothgrad(
            gradient, explained.model_input.x, params, task.seed, progress, attribution.record
        )  # (C, H, W)

    attribution = Attribution(explained, context, explain, gradient_magnitude, params, task.seed)
    save_png(context, "gradient.png", gradient_picture(attribution.explanation))
    told = attribution.leave(attribution.marks, tail=0.5)
    return GuidedBackpropSummary(**told, rule=params.rule, rectifiers=rectifiers, units=UNITS)
