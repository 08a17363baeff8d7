"""Grad-CAM: a layer's map, weighted by the target's gradient (Selvaraju et al. 2017)."""

from dataclasses import asdict, dataclass

from torch import Tensor

from catalog.techniques.grad_cam import TECHNIQUE, GradCamParams, GradCamSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.attribution.zero_maps import no_gradient
from workers.toolkit.execution.context import Context, save_npy
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.network.attached_layers import attach_layers
from workers.toolkit.network.map_placement import draw_map
from workers.toolkit.network.maps import default_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit


@dataclass(frozen=True)
class GradCam:
    """The mean class activation map of a layer over noisy copies of x (1, C, H, W).

    With `relu`, only what speaks for the unit is kept.
    """

    network: Network
    unit: Unit
    x: Tensor
    copies: NoisyCopies
    layer: str
    relu: bool

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the map at the layer's own size, (h, w), with what speaks against the unit."""

        def maps(x: Tensor) -> Tensor:
            return class_activation_map(network, self.unit, self.layer, x)

        return smoothgrad(maps, self.x, self.copies, progress, log)

    def kept(self, layer_map: Tensor) -> Tensor:
        """Return the part of the map (h, w) that is shown."""
        return layer_map.relu() if self.relu else layer_map

    def to_map(self, layer_map: Tensor) -> Tensor:
        """Draw what is shown over the image: (h, w) → (H, W)."""
        return draw_map(self.network, self.layer, self.kept(layer_map))

    def why_zero(self, explained: ExplainedInput, layer_map: Tensor) -> str:
        """Say that all of the map speaks against the unit, or that it has no gradient there."""
        if bool(self.kept(layer_map).any()):
            return (
                f"What {self.layer!r} shows lies outside of the image, where the network pads it. "
                "Name another `layer`."
            )
        if bool(layer_map.any()):
            return (
                f"No place of {self.layer!r} speaks for the target: the map is negative or zero "
                "everywhere. Send relu=false to see what speaks against it."
            )
        network = explained.model.network
        exists = network.has_gradient(self.unit.path)
        if exists and not bool(input_gradient(network, self.unit, self.x).any()):
            return no_gradient(explained)
        return (
            f"The target's gradient does not reach the places of {self.layer!r}, or cancels "
            "there. Name another `layer`."
        )


def run(task: Task[GradCamParams], context: Context) -> GradCamSummary:
    """Save the map at the layer's own size and as a heatmap, and its check if requested.

    Raises LayerWithoutMap, NoGradient, NotBehind, ZeroMap or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    explainer = GradCam(
        task.model.network,
        explained.unit,
        explained.model_input.x,
        NoisyCopies(params.samples, params.noise, task.seed),
        params.layer or default_map(task.model, attach_layers(task.model.network)),
        params.relu,
    )
    attribution = Attribution(explained, explainer, context, params, task.seed, TECHNIQUE.title)
    layer_map = attribution.explain()
    save_npy(context, "map.npy", explainer.kept(layer_map).cpu().numpy())
    units = f"activation of {explainer.layer}, weighted by the gradient of the {{score}}"
    result = attribution.save(explainer.to_map(layer_map), units)
    return GradCamSummary(**asdict(result), layer=explainer.layer, map_size=list(layer_map.shape))
