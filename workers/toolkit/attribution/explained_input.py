"""An image, a model and the unit to explain: the input of every attribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batch_runner import BatchRunner, Series
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.dynamic_batching import BatchableFunction
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.unit import TargetLike, Unit, find_unit
from workers.toolkit.network.vision_model import VisionModel


@dataclass(frozen=True)
class TargetSummary:
    """A target as the summary shows it: a class with its label, or a unit of a layer."""

    text: str
    kind: str
    index: int | None = None
    label: str | None = None
    layer: str | None = None
    channel: int | None = None
    position: list[int] | None = None  # [y, x]


@dataclass(frozen=True)
class ClassSummary:
    """A class with its label and its probability."""

    index: int
    label: str
    probability: float


@dataclass(frozen=True)
class ExplainedScore:
    """The explained score of one image: `kind` is logit, probability or activation."""

    kind: str
    value: float


@dataclass(frozen=True)
class Readout:
    """Reads the score of a unit from the output of its layer.

    With `probability`, the score of a class is its softmax instead of its logit.
    """

    unit: Unit
    probability: bool = False

    @property
    def kind(self) -> str:
        """The kind of score: logit, probability or activation."""
        if not self.unit.is_class:
            return "activation"
        return "probability" if self.probability else "logit"

    def __call__(self, output: Tensor) -> Tensor:
        """Return the score of each image: (B, C) or (B, C, H, W) → (B,)."""
        return self.unit.read(output.softmax(1) if self.kind == "probability" else output)


@dataclass(frozen=True)
class ExplainedInput:
    """A photograph as a model's input, and the unit of the model that is explained."""

    model: VisionModel
    model_input: ModelInput
    target: TargetLike
    unit: Unit
    logits: Tensor  # (1, classes)

    @property
    def probabilities(self) -> Tensor:
        """The softmax of the logits, (classes,)."""
        return self.logits[0].softmax(0)

    @property
    def predicted(self) -> ClassSummary:
        """The model's first prediction."""
        index = int(self.logits.argmax())
        return ClassSummary(index, self.model.label(index), float(self.probabilities[index]))

    @property
    def probability(self) -> float | None:
        """The probability of the explained class, or None if the unit is not a class."""
        if not self.unit.is_class or self.unit.channel is None:
            return None
        return float(self.probabilities[self.unit.channel])

    @torch.no_grad()
    def score(self, *, probability: bool = False) -> ExplainedScore:
        """Return the score of the unchanged image."""
        readout = Readout(self.unit, probability)
        if not self.unit.is_class:
            value = self.unit.value(self.model.network, self.model_input.x)
            return ExplainedScore(readout.kind, float(value))
        scores = self.probabilities[None] if probability else self.logits
        return ExplainedScore(readout.kind, float(self.unit.read(scores)))

    def score_runner(
        self, series: Series | None = None, *, probability: bool = False
    ) -> BatchRunner[Tensor]:
        """Return a runner that maps images (B, C, H, W) to their scores (B,), as `score` does."""
        network, path = self.model.network, self.unit.path
        readout = Readout(self.unit, probability)

        def scores(batch: Tensor) -> Tensor:
            return readout(network.run(batch, path))

        return BatchRunner(scores, batch_size(network, path), series)


def target_summary(model: VisionModel, target: TargetLike, unit: Unit) -> TargetSummary:
    """Return the summary of a target and the unit that it names."""
    if unit.is_class:
        assert unit.channel is not None
        return TargetSummary(
            target.text, "class", index=unit.channel, label=model.label(unit.channel)
        )
    position = list(unit.position) if unit.position else None
    return TargetSummary(
        target.text, target.kind, layer=unit.path, channel=unit.channel, position=position
    )


@torch.no_grad()
def explain_input(model: VisionModel, image: Image.Image, target: TargetLike) -> ExplainedInput:
    """Run the model once and find the unit that the target names.

    Calls of several threads may run as one batch. Raises NotFinite.
    """
    model_input = model.prepare(image)
    logits = _logits(model.network, model_input.x)
    if not bool(logits.isfinite().all()):
        raise NotFinite(f"Model {model.name!r} returned NaN or infinity for this image.")
    unit = find_unit(target, model.network, logits)
    return ExplainedInput(model, model_input, target, unit, logits)


def _logits(network: Network, x: Tensor) -> Tensor:
    def run(_queries: Sequence[Any], x: Tensor) -> Tensor:
        return network.logits(x)

    def most() -> int:
        return batch_size(network, LOGITS)

    return BatchableFunction((network, "logits"), None, run, most)(x)
