"""Saliency: |∂ neuron / ∂ input|, strongest channel per pixel (Simonyan et al. 2014), optionally SmoothGrad."""

from torch import Tensor

from catalog.techniques.saliency import SaliencyParams, SaliencySummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.smoothgrad import smoothgrad
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.input_gradient import (
    gradient_magnitude,
    input_gradient,
    strongest_channel,
)
from workers.toolkit.network.network import Network


def run(task: Task[SaliencyParams], context: Context) -> SaliencySummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)

    def explain(network: Network, progress: Progress) -> Tensor:
        def gradient(x: Tensor) -> Tensor:
            return input_gradient(network, explained.unit, x)

        return smoothgrad(
            gradient, explained.model_input.x, params, task.seed, progress, attribution.record
        )  # (C, H, W)

    attribution = Attribution(explained, context, explain, gradient_magnitude, params, task.seed)
    signed = params.reduce == "signed"
    values = strongest_channel(attribution.explanation) if signed else attribution.marks  # (H, W)
    told = attribution.leave(values, tail=0.5, signed=signed)
    return SaliencySummary(
        **told, units=f"change of the {told['score']} per unit of the network's normalized input"
    )
