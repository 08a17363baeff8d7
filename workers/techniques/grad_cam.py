"""Grad-CAM: a layer's map, weighted by the target's gradient (Selvaraju et al. 2017)."""

from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from catalog.targets import parse_target
from catalog.techniques.grad_cam import GradCamParams, GradCamSummary
from workers.toolkit.context import Context, save_npy
from workers.toolkit.grad_cam import class_activation_map, last_map
from workers.toolkit.heatmap import leave_heatmap
from workers.toolkit.smoothgrad import smooth
from workers.toolkit.subject import look
from workers.toolkit.vision_model import VisionModel


def run(params: GradCamParams, model: VisionModel, images: dict[str, Image.Image], context: Context) -> GradCamSummary:
    subject = look(model, images["image"], parse_target(params.target, model.labels, model.name))
    network, x = model.network, subject.view.x
    layer = params.layer or model.recommended.get("grad_cam") or last_map(network)

    def explain(batch: Tensor) -> Tensor:
        return class_activation_map(network, subject.unit, layer, batch)

    small = smooth(
        explain, x, samples=params.samples, noise=params.noise, seed=params.seed or 0, progress=context.progress
    )
    if params.relu:
        small = small.relu()
    save_npy(context, "map.npy", small.cpu().numpy())
    values = F.interpolate(small[None, None], x.shape[2:], mode="bilinear", align_corners=False)[0, 0]  # (H, W)
    shown = leave_heatmap(context, subject.view, values, signed=not params.relu)
    return GradCamSummary(**subject.facts(), **subject.score(), **shown, layer=layer, map_size=list(small.shape))
