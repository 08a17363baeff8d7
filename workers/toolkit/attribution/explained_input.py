"""An image before a model and the neuron that is asked about: where every explanation begins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batches import batch_size, in_pieces
from workers.toolkit.execution.dynamic_batching import dynamically_batched
from workers.toolkit.execution.memory import fitting
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.unit import TargetLike, Unit, find_unit
from workers.toolkit.network.vision_model import VisionModel


@dataclass(frozen=True)
class ExplainedInput:
    model: VisionModel
    model_input: ModelInput
    target: TargetLike
    unit: Unit
    logits: Tensor  # (1, classes)

    @property
    def probabilities(self) -> Tensor:
        """(classes,)"""
        return self.logits[0].softmax(0)

    def facts(self) -> dict[str, Any]:
        """What the summary says about image and neuron."""
        facts: dict[str, Any] = {
            "target": target_summary(self.model, self.target, self.unit),
            "predicted": self._class(int(self.logits.argmax())),
            "input_box": [round(side, 2) for side in self.model_input.box],
        }
        if self.unit.is_class and self.unit.channel is not None:
            facts["probability"] = float(self.probabilities[self.unit.channel])
        return facts

    @torch.no_grad()
    def score(self, *, probability: bool = False) -> dict[str, Any]:
        """What is watched, and its value for the unchanged image."""
        if not self.unit.is_class:
            return {
                "score": "activation",
                "score_value": float(self.unit.value(self.model.network, self.model_input.x)),
            }
        scores = self.probabilities[None] if probability else self.logits
        return {
            "score": "probability" if probability else "logit",
            "score_value": float(self.unit.read(scores)),
        }

    def scorer(self, *, probability: bool = False) -> Callable[[Tensor], Tensor]:
        """The function (B, C, H, W) → (B,) that gives any images the score that `score` gives this one."""
        network, path, read = (
            self.model.network,
            self.unit.path,
            self.readout(probability=probability),
        )
        return fitting(lambda batch: read(network.run(batch, path)), batch_size(network, path))

    def readout(self, *, probability: bool = False) -> Callable[[Tensor], Tensor]:
        """The function from outputs of the unit's layer, (B, C) or (B, C, H, W), to that score, (B,)."""
        unit = self.unit
        return lambda output: unit.read(
            output.softmax(1) if probability and unit.is_class else output
        )

    def _class(self, index: int) -> dict[str, Any]:
        probability = float(self.probabilities[index])
        return {"index": index, "label": self.model.label(index), "probability": probability}


def target_summary(model: VisionModel, target: TargetLike, unit: Unit) -> dict[str, Any]:
    """The resolved target as JSON."""
    text = str(getattr(target, "text", ""))
    if unit.is_class:
        assert unit.channel is not None
        return {
            "text": text,
            "kind": "class",
            "index": unit.channel,
            "label": model.label(unit.channel),
        }
    position = list(unit.position) if unit.position else None
    return {
        "text": text,
        "kind": target.kind,
        "layer": unit.path,
        "channel": unit.channel,
        "position": position,
    }


@torch.no_grad()
def explain_input(model: VisionModel, image: Image.Image, target: TargetLike) -> ExplainedInput:
    """Run the model once and settle what the target stands for. Raises NotFinite."""
    model_input = model.prepare(image)
    network = model.network
    passes = in_pieces(lambda _, x: network.logits(x), lambda: batch_size(network, LOGITS))
    logits = dynamically_batched((network, "logits"), None, model_input.x, passes)
    if not bool(logits.isfinite().all()):
        raise NotFinite(f"Model {model.name!r} returned NaN or infinity for this image.")
    return ExplainedInput(
        model, model_input, target, find_unit(target, model.network, logits), logits
    )
