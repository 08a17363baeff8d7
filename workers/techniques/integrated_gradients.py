"""Integrated gradients: the change of the score from a baseline, shared out over the pixels."""

import torch
from PIL import Image
from torch import Tensor

from catalog.targets import parse_target
from catalog.techniques.integrated_gradients import IntegratedGradientsParams, IntegratedGradientsSummary
from workers.toolkit.context import Context
from workers.toolkit.fill import fill_image
from workers.toolkit.heatmap import leave_heatmap
from workers.toolkit.input_gradient import input_gradient
from workers.toolkit.integrated_gradients import integrated_gradients
from workers.toolkit.smoothgrad import smooth
from workers.toolkit.subject import look
from workers.toolkit.vision_model import VisionModel

BLUR = 32 / 224  # sigma, as a part of the input's side: no shape is left


def run(
    params: IntegratedGradientsParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> IntegratedGradientsSummary:
    subject = look(model, images["image"], parse_target(params.target, model.labels, model.name))
    network, unit, x = model.network, subject.unit, subject.view.x
    baseline = fill_image(params.baseline, x, model.eye.mean, model.eye.std, BLUR * min(x.shape[2:]))[None]
    total, done = params.steps * params.samples, 0

    def explain(batch: Tensor) -> Tensor:
        nonlocal done
        began = done

        def progress(step: int) -> None:
            context.progress(began + step, total, "points")

        values = integrated_gradients(
            lambda along: input_gradient(network, unit, along), batch, baseline, params.steps, progress
        )
        done += params.steps
        return values

    attribution = smooth(
        explain, x, samples=params.samples, noise=params.noise, seed=params.seed or 0, progress=_silent, batch=1
    )
    values = attribution.sum(0)  # (H, W)
    with torch.no_grad():
        baseline_score = float(unit.value(network, baseline))
    score = subject.score()
    change = score["score_value"] - baseline_score
    return IntegratedGradientsSummary(
        **subject.facts(),
        **score,
        **leave_heatmap(context, subject.view, values, tail=0.5, signed=True),
        baseline_score=baseline_score,
        convergence_delta=float(values.double().sum()) - change if params.samples == 1 else None,
        units=f"part of the change of the {score['score']} from the baseline",
    )


def _silent(done: int, total: int, message: str) -> None:
    """The points report; the noisy copies need not."""
