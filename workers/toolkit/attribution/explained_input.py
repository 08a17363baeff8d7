"""An image, a model and the unit to explain: the input of every attribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batch_runner import BatchRunner, Series
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.dynamic_batching import BatchableFunction
from workers.toolkit.images.array import Input
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.network.head import Head
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.prediction import (
    ClassSummary,
    class_probability,
    class_unit,
    predicted_class,
)
from workers.toolkit.network.unit import TargetLike, Unit, check_position, find_unit
from workers.toolkit.network.vision_model import VisionModel


@dataclass(frozen=True)
class PlacesSummary:
    """The places of a dense output whose mean is the score: `count` of `of`, and why these."""

    count: int
    of: int
    chosen: str


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
    places: PlacesSummary | None = None


@dataclass(frozen=True)
class ExplainedScore:
    """The explained score of one image: a logit, probability, activation, or other output."""

    kind: str
    value: float


@dataclass(frozen=True)
class Readout:
    """Reads the score of a unit from the output of its layer.

    The score of a class is what the model returns for it. With `probability` it is the
    probability, if the model's head has one.
    """

    unit: Unit
    head: Head
    probability: bool = False

    @property
    def kind(self) -> str:
        """The kind of score: logit, probability, activation, or output if it is none of these."""
        if not self.unit.is_class:
            return "activation"
        if self.probability and self.head.has_probability:
            return "probability"
        return self.head.score

    def __call__(self, output: Tensor) -> Tensor:
        """Return the score of each image: (B, C) or (B, C, H, W) → (B,)."""
        probabilities = None
        if self.unit.is_class and self.probability:
            probabilities = self.head.probabilities(output)
        return self.unit.read(output if probabilities is None else probabilities)


@dataclass(frozen=True)
class ExplainedInput:
    """An image as a model's input, and the unit of the model that is explained."""

    model: VisionModel
    model_input: ModelInput
    target: TargetLike
    unit: Unit
    output: Tensor  # (1, classes) or (1, classes, H, W)

    @property
    def predicted(self) -> ClassSummary:
        """The model's first prediction."""
        return predicted_class(self.model, self.output)

    @property
    def probability(self) -> float | None:
        """The probability of the explained class.

        None if the unit is not a class, or the model has no probabilities.
        """
        if not self.unit.is_class:
            return None
        return class_probability(self.model, self.output, self.unit)

    def readout(self, *, probability: bool = False) -> Readout:
        """Return what reads the score from the output of the unit's layer."""
        return Readout(self.unit, self.model.head, probability)

    @torch.no_grad()
    def score(self, *, probability: bool = False) -> ExplainedScore:
        """Return the score of the unchanged image."""
        readout = self.readout(probability=probability)
        if not self.unit.is_class:
            value = self.unit.value(self.model.network, self.model_input.x)
            return ExplainedScore(readout.kind, float(value))
        return ExplainedScore(readout.kind, float(readout(self.output)))

    def score_runner(
        self, series: Series | None = None, *, probability: bool = False
    ) -> BatchRunner[Tensor]:
        """Return a runner that maps images (B, C, H, W) to their scores (B,), as `score` does."""
        network, path = self.model.network, self.unit.path
        readout = self.readout(probability=probability)

        def scores(batch: Tensor) -> Tensor:
            return readout(network.run(batch, path))

        return BatchRunner(scores, batch_size(network, path), series)


def target_summary(model: VisionModel, target: TargetLike, unit: Unit) -> TargetSummary:
    """Return the summary of a target and the unit that it names."""
    position = list(unit.position) if unit.position else None
    if unit.is_class:
        assert unit.channel is not None
        return TargetSummary(
            target.text,
            "class",
            index=unit.channel,
            label=model.label(unit.channel),
            position=position,
            places=_places_summary(unit),
        )
    return TargetSummary(
        target.text, target.kind, layer=unit.path, channel=unit.channel, position=position
    )


def _places_summary(unit: Unit) -> PlacesSummary | None:
    if unit.places is None:
        return None
    return PlacesSummary(unit.places.count, unit.places.mask.numel(), unit.places.chosen)


@torch.no_grad()
def explain_input(model: VisionModel, sent: Input, target: TargetLike) -> ExplainedInput:
    """Run the model once and find the unit that the target names.

    The places of a class of a dense output are those of this image, and do not change afterwards.
    Calls of several threads may run as one batch. Raises NotFinite, UnknownPosition or WrongUnits.
    """
    model_input = model.prepare(sent)
    output = _output(model.network, model_input.x)
    if not bool(output.isfinite().all()):
        raise NotFinite(f"Model {model.name!r} returned NaN or infinity for this image.")
    unit = find_unit(target, model.network, model.head.first(output))
    check_position(unit, model.network)
    if unit.is_class and unit.position is None:
        assert unit.channel is not None
        unit = class_unit(model, output, unit.channel)
    return ExplainedInput(model, model_input, target, unit, output)


def _output(network: Network, x: Tensor) -> Tensor:
    def run(_queries: Sequence[Any], x: Tensor) -> Tensor:
        return network.logits(x)

    def most() -> int:
        return batch_size(network, LOGITS)

    return BatchableFunction((network, "logits"), None, run, most)(x)
