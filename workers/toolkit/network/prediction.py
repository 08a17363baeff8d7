"""What a model predicts, under the head that its entry names."""

from dataclasses import dataclass, replace

from torch import Tensor

from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel


@dataclass(frozen=True)
class ClassSummary:
    """A class with its label and its probability, or None if the model has no probabilities."""

    index: int
    label: str
    probability: float | None


def class_unit(model: VisionModel, output: Tensor, index: int) -> Unit:
    """Return the unit of a class, for the output of one image (1, …).

    In a dense output it is the mean over the places where the class is the first.
    """
    unit = Unit(LOGITS, index)
    return replace(unit, places=model.head.places(output, index)) if model.head.dense else unit


def class_probability(model: VisionModel, output: Tensor, unit: Unit) -> float | None:
    """Return the probability of a class, or None if the model has no probabilities."""
    probabilities = model.head.probabilities(output)
    return None if probabilities is None else float(unit.read(probabilities))


def predicted_class(model: VisionModel, output: Tensor) -> ClassSummary:
    """Return the first class for the output of one image (1, …)."""
    index = model.head.first(output)
    probability = class_probability(model, output, class_unit(model, output, index))
    return ClassSummary(index, model.label(index), probability)
