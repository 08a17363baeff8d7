"""Grad-CAM: a layer's map, weighted by the target's gradient (Selvaraju et al. 2017)."""

from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from catalog.targets import parse_target
from catalog.techniques.grad_cam import GradCamParams, GradCamSummary
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.smoothgrad import smoothgrad
from workers.toolkit.execution.context import Context, save_npy
from workers.toolkit.network.maps import last_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel


def run(
    params: GradCamParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> GradCamSummary:
    explained = explain_input(
        model, images["image"], parse_target(params.target, model.labels, model.name)
    )
    x = explained.model_input.x
    layer = params.layer or model.recommended.get("grad_cam") or last_map(model.network)

    def explain(network: Network, progress: Progress) -> Tensor:
        def mapped(x: Tensor) -> Tensor:
            return class_activation_map(network, explained.unit, layer, x)

        small = smoothgrad(mapped, x, params, progress, attribution.record)
        return small.relu() if params.relu else small  # (h, w)

    def stretch(small: Tensor) -> Tensor:
        return F.interpolate(small[None, None], x.shape[2:], mode="bilinear", align_corners=False)[
            0, 0
        ]  # (H, W)

    attribution = Attribution(explained, context, explain, stretch, params)
    small = attribution.explanation
    save_npy(context, "map.npy", small.cpu().numpy())
    told = attribution.leave(attribution.marks, signed=not params.relu)
    return GradCamSummary(**told, layer=layer, map_size=list(small.shape))
