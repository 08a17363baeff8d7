"""Grad-CAM: a layer's map, weighted by the target's gradient (Selvaraju et al. 2017)."""

from dataclasses import asdict, dataclass

from torch import Tensor
from torch.nn import functional as F

from catalog.techniques.grad_cam import GradCamParams, GradCamSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.execution.context import Context, save_npy
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.network.maps import default_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit


@dataclass(frozen=True)
class GradCam:
    """The mean class activation map of a layer over noisy copies of x (1, C, H, W).

    With `relu`, only what speaks for the unit is kept.
    """

    unit: Unit
    x: Tensor
    copies: NoisyCopies
    layer: str
    relu: bool

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the map at the layer's own size, (h, w)."""

        def maps(x: Tensor) -> Tensor:
            return class_activation_map(network, self.unit, self.layer, x)

        layer_map = smoothgrad(maps, self.x, self.copies, progress, log)
        return layer_map.relu() if self.relu else layer_map

    def to_map(self, layer_map: Tensor) -> Tensor:
        """Stretch the map over the image: (h, w) → (H, W)."""
        size = self.x.shape[2:]
        stretched = F.interpolate(layer_map[None, None], size, mode="bilinear", align_corners=False)
        return stretched[0, 0]


def run(task: Task[GradCamParams], context: Context) -> GradCamSummary:
    """Save the map at the layer's own size and as a heatmap, and its check if requested.

    Raises LayerWithoutMap, NotBehind or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    explainer = GradCam(
        explained.unit,
        explained.model_input.x,
        NoisyCopies(params.samples, params.noise, task.seed),
        params.layer or default_map(task.model),
        params.relu,
    )
    attribution = Attribution(explained, explainer, context, params, task.seed)
    layer_map = attribution.explain()
    save_npy(context, "map.npy", layer_map.cpu().numpy())
    result = attribution.save(explainer.to_map(layer_map), signed=not params.relu)
    return GradCamSummary(**asdict(result), layer=explainer.layer, map_size=list(layer_map.shape))
