"""Guided backpropagation and the deconvnet: a gradient with another rule at every ReLU."""

from PIL import Image

from catalog.targets import parse_target
from catalog.techniques.guided_backprop import GuidedBackpropParams, GuidedBackpropSummary
from workers.toolkit.context import Context, save_png
from workers.toolkit.errors import NoRectifier
from workers.toolkit.heatmap import gradient_picture, leave_heatmap
from workers.toolkit.input_gradient import input_gradient, strongest_channel
from workers.toolkit.rectifiers import deconvnet, guided
from workers.toolkit.smoothgrad import smooth
from workers.toolkit.subject import look
from workers.toolkit.vision_model import VisionModel

UNITS = "modified gradient by the network's normalized input, largest magnitude over the channels"
RULES = {"guided": guided, "deconvnet": deconvnet}


def run(
    params: GuidedBackpropParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> GuidedBackpropSummary:
    subject = look(model, images["image"], parse_target(params.target, model.labels, model.name))
    rectifiers = len(model.network.rectifiers(subject.unit.path))
    if not rectifiers:
        raise NoRectifier(
            f"There is no ReLU between the input and the target in {model.name!r}, so {params.rule!r} would only be "
            "the plain gradient. Use saliency, or another model or target."
        )
    gradient = smooth(
        lambda x: input_gradient(model.network, subject.unit, x, RULES[params.rule]),
        subject.view.x,
        samples=params.samples,
        noise=params.noise,
        seed=params.seed or 0,
        progress=context.progress,
    )  # (C, H, W)
    save_png(context, "gradient.png", gradient_picture(gradient))
    shown = leave_heatmap(context, subject.view, strongest_channel(gradient).abs(), tail=0.5)
    return GuidedBackpropSummary(
        **subject.facts(), **subject.score(), **shown, rule=params.rule, rectifiers=rectifiers, units=UNITS
    )
