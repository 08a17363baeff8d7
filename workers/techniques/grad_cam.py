"""Grad-CAM: a layer's map, weighted by the target's gradient (Selvaraju et al. 2017)."""

from torch import Tensor
from torch.nn import functional as F

from catalog.techniques.grad_cam import GradCamParams, GradCamSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.smoothgrad import smoothgrad
from workers.toolkit.execution.context import Context, save_npy
from workers.toolkit.network.maps import last_map
from workers.toolkit.network.network import Network


def run(task: Task[GradCamParams], context: Context) -> GradCamSummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)
    x = explained.model_input.x
    layer = params.layer or model.recommended.get("grad_cam") or last_map(model.network)

    def explain(network: Network, progress: Progress) -> Tensor:
        def mapped(x: Tensor) -> Tensor:
            return class_activation_map(network, explained.unit, layer, x)

        small = smoothgrad(mapped, x, params, task.seed, progress, attribution.record)
        return small.relu() if params.relu else small  # (h, w)

    def stretch(small: Tensor) -> Tensor:
        return F.interpolate(small[None, None], x.shape[2:], mode="bilinear", align_corners=False)[
            0, 0
        ]  # (H, W)

    attribution = Attribution(explained, context, explain, stretch, params, task.seed)
    small = attribution.explanation
    save_npy(context, "map.npy", small.cpu().numpy())
    told = attribution.leave(attribution.marks, signed=not params.relu)
    return GradCamSummary(**told, layer=layer, map_size=list(small.shape))
