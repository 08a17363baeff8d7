"""Style transfer by optimization (Gatys et al. 2016), on any model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from catalog.style_layers import CONTENT, STYLE, recommended_layers
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
from workers.toolkit.optimization.curve import save_pictures
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.style_transfer import StyleTransferStage, Weights

_CONTENT_DEPTH, _STYLE_DEPTHS = 0.3, (0.02, 0.1, 0.18, 0.3, 0.4)
_LEAST = 8  # pixels of a side


def run(task: Task[ResolvedStyleTransfer], context: Context) -> StyleTransferSummary:
    params, model = task.params, task.model
    content_layers, style_layers = _layers(params, model)
    networks = _Networks(model.network, average=params.pooling == "average")
    sizes = _sizes(task, networks, content_layers, style_layers)
    made = optimize([size.stage() for size in sizes], context, seed=task.seed, device=model.device)
    last = sizes[-1]
    shown = replace(made, picture=last.picture(made.picture))
    save_pictures(context, shown)
    return StyleTransferSummary(
        recipe=params.recipe,
        content_layers=list(content_layers),
        style_layers=list(style_layers),
        layers_from=_origin(params, model),
        style_weights=list(last.shares),
        size=[shown.picture.shape[3], shown.picture.shape[2]],
        steps=sum(size.steps for size in sizes),
        max_pools_replaced=networks.replaced,
        losses_of_content=_numbers(last, last.content),
        losses_after=_numbers(last, quantized(made.picture)),
    )


class _Networks:
    """The model at any size, with the pooling that was asked for."""

    def __init__(self, network: Network, *, average: bool) -> None:
        self._network, self._average = network, average
        self._pooled: dict[tuple[int, int], Network] = {}
        self.replaced = 0
        if average:
            self(*network.input_shape[1:])  # raises before any work is done

    def __call__(self, height: int, width: int) -> Network:
        sized = self._network.at(height, width)
        if not self._average:
            return sized
        if (height, width) not in self._pooled:
            self._pooled[height, width], self.replaced = replace_max_pooling(sized)
        return self._pooled[height, width]


def _layers(
    params: ResolvedStyleTransfer, model: VisionModel
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Content and style layers: those of the parameters, else by depth."""
    content = names(params.content_layers) or tuple(layers_at(model.network, [_CONTENT_DEPTH]))
    style = names(params.style_layers) or tuple(layers_at(model.network, _STYLE_DEPTHS))
    return content, style


def _origin(
    params: ResolvedStyleTransfer, model: VisionModel
) -> Literal["request", "recommended", "depth"]:
    if params.content_layers is None or params.style_layers is None:
        return "depth"
    known = (
        recommended_layers(model.recommended, CONTENT),
        recommended_layers(model.recommended, STYLE),
    )
    return (
        "recommended"
        if (names(params.content_layers), names(params.style_layers)) == known
        else "request"
    )


def _sizes(
    task: Task[ResolvedStyleTransfer],
    network_at: Callable[[int, int], Network],
    content_layers: tuple[str, ...],
    style_layers: tuple[str, ...],
) -> list[StyleTransferStage]:
    """One optimization for each size, the smallest first."""
    params, model = task.params, task.model
    styles = [task.image(name) for name in STYLES if name in task.inputs]
    content = task.image("content")
    contents = [(_sized(content, side, model), side, steps) for side, steps in params.plan()]
    frame = _frame(params, network_at, [content for content, _, _ in contents])
    shared: dict[str, Any] = {
        "shares": params.shares(len(styles)),
        "content_layers": content_layers,
        "style_layers": style_layers,
        "frame": frame,
        "weights": Weights(
            params.content_weight, params.style_weight, params.tv_weight, params.palette_weight
        ),
        **params.model_dump(include={"recipe", "start", "keep_colours", "optimizer", "rate"}),
    }
    return [
        StyleTransferStage(
            network_at,
            model.preprocessing,
            content=pad_by_reflection(content, frame),
            styles=[_sized(style, round(side * params.style_scale), model) for style in styles],
            steps=steps,
            **shared,
        )
        for content, side, steps in contents
    ]


def _frame(
    params: ResolvedStyleTransfer, network_at: Callable[[int, int], Network], contents: list[Tensor]
) -> int:
    """How wide a frame is painted at all sizes; none for a model of one size."""
    wanted = FRAMES[params.recipe]
    width = min(wanted, *(side // 6 for content in contents for side in content.shape[2:]))
    try:
        for content in contents:
            network_at(*(side + 2 * width for side in content.shape[2:]))
    except OneSizeOnly:
        return 0
    return width


def _sized(image: Image.Image, side: int, model: VisionModel) -> Tensor:
    """(1, C, H, W) with `side` pixels on the longer side."""
    factor = side / max(image.size)
    width, height = (max(_LEAST, round(length * factor)) for length in image.size)
    scaled = image.resize((width, height), Image.Resampling.LANCZOS)
    return from_image(scaled, len(model.preprocessing.mean)).to(model.device)


@torch.no_grad()
def _numbers(size: StyleTransferStage, picture: Tensor) -> dict[str, float]:
    return {name: float(part) for name, part in size.losses(picture).items()}
