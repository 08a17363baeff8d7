"""Integrated gradients: the change of the score from a baseline, shared out over the pixels."""

import torch
from torch import Tensor

from catalog.techniques.integrated_gradients import (
    IntegratedGradientsParams,
    IntegratedGradientsSummary,
)
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.integrated_gradients import integrated_gradients
from workers.toolkit.attribution.smoothgrad import smoothgrad
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network

BLUR = 32 / 224  # sigma, as a part of the input's side: no shape is left


def run(task: Task[IntegratedGradientsParams], context: Context) -> IntegratedGradientsSummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)
    unit, x = explained.unit, explained.model_input.x
    baseline = baseline_image(
        params.baseline,
        x,
        model.preprocessing.mean,
        model.preprocessing.std,
        BLUR * min(x.shape[2:]),
    )[None]
    points = params.steps * params.samples

    def explain(network: Network, progress: Progress) -> Tensor:
        # Of one copy the points are recorded, of several the copies.
        inner, outer = (
            (None, attribution.record) if params.samples > 1 else (attribution.record, None)
        )
        began = 0  # points of the noisy copies before this one

        def count(copies: int, _total: int, _message: str) -> None:
            nonlocal began
            began = copies * params.steps
            progress(began, points, "points")

        def along_the_line(copy: Tensor) -> Tensor:
            return integrated_gradients(
                lambda along: input_gradient(network, unit, along),
                copy,
                baseline,
                params.steps,
                lambda step: progress(began + step, points, "points"),
                inner,
            )

        return smoothgrad(along_the_line, x, params, task.seed, count, outer, batch=1)  # (C, H, W)

    attribution = Attribution(
        explained, context, explain, lambda parts: parts.sum(0), params, task.seed
    )
    values = attribution.marks  # (H, W)
    with torch.no_grad():
        baseline_score = float(unit.value(model.network, baseline))
    told = attribution.leave(values, tail=2, signed=True)
    change = told["score_value"] - baseline_score
    return IntegratedGradientsSummary(
        **told,
        baseline_score=baseline_score,
        convergence_delta=float(values.double().sum()) - change if params.samples == 1 else None,
        units=f"part of the change of the {told['score']} from the baseline",
    )
