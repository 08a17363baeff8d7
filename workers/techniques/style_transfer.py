"""Style transfer by optimization (Gatys et al. 2016), on any model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from catalog.style_layers import CONTENT, STYLE, recommended_layers
from catalog.style_sizes import scaled
from catalog.techniques.style_transfer import (
    FRAMES,
    STYLES,
    ResolvedStyleTransfer,
    StyleTransferSummary,
    names,
)
from workers.task import Task
from workers.toolkit.errors import OneSizeOnly
from workers.toolkit.execution.context import Context
from workers.toolkit.images.picture import from_image, pad_by_reflection, quantized
from workers.toolkit.network.maps import layers_at
from workers.toolkit.network.network import Network
from workers.toolkit.network.pooling import replace_max_pooling
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.artifacts import save_pictures
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.style_transfer import (
    StyleTransferOptions,
    StyleTransferStage,
    Weights,
)

# Shares of the depth at which layers are chosen if the model recommends none.
_CONTENT_DEPTH, _STYLE_DEPTHS = 0.3, (0.02, 0.1, 0.18, 0.3, 0.4)


def run(task: Task[ResolvedStyleTransfer], context: Context) -> StyleTransferSummary:
    """Repaint the content in the styles, at one size after the other.

    Saves image.png and curve.json. Raises NoMaxPooling, OneSizeOnly or NotFinite.
    """
    params, model = task.params, task.model
    layers = _layers(params, model)
    networks = _Networks(model.network, params, layers)
    sizes = _sizes(task, networks, layers)
    last, options = sizes[-1], sizes[-1].options
    stages = [size.stage() for size in sizes]
    result = optimize(stages, context, seed=task.seed, device=model.device)
    shown = replace(result, picture=last.without_frame(result.picture))
    save_pictures(context, shown)
    return StyleTransferSummary(
        recipe=options.recipe,
        content_layers=list(options.content_layers),
        style_layers=list(options.style_layers),
        layers_from=_layers_from(params, model),
        style_weights=list(options.shares),
        size=[shown.picture.shape[3], shown.picture.shape[2]],
        steps=sum(size.steps for size in sizes),
        max_pools_replaced=networks.replaced,
        losses_of_content=_losses(last, last.content),
        losses_before_rounding=_losses(last, result.picture),
        losses_after=_losses(last, quantized(result.picture)),
    )


class _Layers(NamedTuple):
    content: tuple[str, ...]
    style: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All layers, each once."""
        return tuple(dict.fromkeys((*self.content, *self.style)))


class _Networks:
    """The model's network up to the layers at any size, with the pooling that is asked for."""

    def __init__(self, network: Network, params: ResolvedStyleTransfer, layers: _Layers) -> None:
        self._network, self._params, self._paths = network, params, layers.all
        self._average = params.pooling == "average"
        self._pooled: dict[tuple[int, int], Network] = {}
        self.replaced = 0
        if self._average:
            self(*network.input_shape[1:])  # raises NoMaxPooling before any work is done

    def __call__(self, height: int, width: int) -> Network:
        try:
            sized = self._network.at(height, width, self._paths)
        except OneSizeOnly as error:
            raise OneSizeOnly(f"{error} {self._advice()}") from error
        if not self._average:
            return sized
        if (height, width) not in self._pooled:
            self._pooled[height, width], self.replaced = replace_max_pooling(sized)
        return self._pooled[height, width]

    def _advice(self) -> str:
        params, side = self._params, max(self._network.input_shape[1:])
        return (
            f"Nor do its layers {', '.join(self._paths)}. That size follows from "
            f"size={params.size}, scales={params.scales}, style_scale={params.style_scale:g} and "
            f"the images' shapes. Send size={side}, scales=1, style_scale=1 and square images."
        )


def _layers(params: ResolvedStyleTransfer, model: VisionModel) -> _Layers:
    """Return the layers. Those that are not named are chosen by depth."""
    content, style = names(params.content_layers), names(params.style_layers)
    return _Layers(
        content or tuple(layers_at(model.network, [_CONTENT_DEPTH])),
        style or tuple(layers_at(model.network, _STYLE_DEPTHS)),
    )


def _layers_from(
    params: ResolvedStyleTransfer, model: VisionModel
) -> Literal["request", "recommended", "depth"]:
    """Return who chose the layers."""
    if params.content_layers is None or params.style_layers is None:
        return "depth"
    recommended = (
        recommended_layers(model.recommended, CONTENT),
        recommended_layers(model.recommended, STYLE),
    )
    named = names(params.content_layers), names(params.style_layers)
    return "recommended" if named == recommended else "request"


def _sizes(
    task: Task[ResolvedStyleTransfer],
    network_at: Callable[[int, int], Network],
    layers: _Layers,
) -> list[StyleTransferStage]:
    """Return the style transfer at each size, the smallest first."""
    params, model = task.params, task.model
    styles = [task.image(name) for name in STYLES if name in task.inputs]
    plan = params.plan()
    contents = [_resized(task.image("content"), side, model) for side, _ in plan]
    frame = _frame(params, network_at, contents)
    options = _options(params, layers, len(styles), frame)
    return [
        StyleTransferStage(
            network_at,
            model.preprocessing,
            pad_by_reflection(content, frame),
            [_resized(style, round(side * params.style_scale), model) for style in styles],
            steps,
            options,
        )
        for content, (side, steps) in zip(contents, plan, strict=True)
    ]


def _options(
    params: ResolvedStyleTransfer, layers: _Layers, styles: int, frame: int
) -> StyleTransferOptions:
    """Return what all sizes share."""
    return StyleTransferOptions(
        recipe=params.recipe,
        content_layers=layers.content,
        style_layers=layers.style,
        weights=Weights(
            content=params.content_weight,
            style=params.style_weight,
            tv=params.tv_weight,
            palette=params.palette_weight,
        ),
        shares=params.shares(styles),
        start=params.start,
        keep_colours=params.keep_colours,
        optimizer=params.optimizer,
        rate=params.rate,
        frame=frame,
    )


def _frame(
    params: ResolvedStyleTransfer, network_at: Callable[[int, int], Network], contents: list[Tensor]
) -> int:
    """Return the width of the frame at all sizes, which is 0 for a model of one size."""
    sides = [side for content in contents for side in content.shape[2:]]
    width = min(FRAMES[params.recipe], *(side // 6 for side in sides))
    try:
        for content in contents:
            network_at(*(side + 2 * width for side in content.shape[2:]))
    except OneSizeOnly:
        return 0
    return width


def _resized(image: Image.Image, side: int, model: VisionModel) -> Tensor:
    """Return the image with that longer side, (1, C, H, W) in 0..1."""
    resized = image.resize(scaled(*image.size, side), Image.Resampling.LANCZOS)
    return from_image(resized, len(model.preprocessing.mean)).to(model.device)


@torch.no_grad()
def _losses(size: StyleTransferStage, picture: Tensor) -> dict[str, float]:
    return {name: float(part) for name, part in size.losses(picture).items()}
