"""Saliency: |∂ neuron / ∂ input|, strongest channel per pixel (Simonyan et al. 2014), optionally SmoothGrad."""

from PIL import Image

from catalog.targets import parse_target
from catalog.techniques.saliency import SaliencyParams, SaliencySummary
from workers.toolkit.context import Context
from workers.toolkit.heatmap import leave_heatmap
from workers.toolkit.input_gradient import input_gradient, strongest_channel
from workers.toolkit.smoothgrad import smooth
from workers.toolkit.subject import look
from workers.toolkit.vision_model import VisionModel


def run(
    params: SaliencyParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> SaliencySummary:
    subject = look(model, images["image"], parse_target(params.target, model.labels, model.name))
    gradient = smooth(
        lambda x: input_gradient(model.network, subject.unit, x),
        subject.view.x,
        samples=params.samples,
        noise=params.noise,
        seed=params.seed or 0,
        progress=context.progress,
    )  # (C, H, W)
    values = strongest_channel(gradient)  # (H, W)
    if params.reduce == "max_abs":
        values = values.abs()
    shown = leave_heatmap(context, subject.view, values, tail=0.5, signed=params.reduce == "signed")
    score = subject.score()
    units = f"change of the {score['score']} per unit of the network's normalized input"
    return SaliencySummary(**subject.facts(), **score, **shown, units=units)
