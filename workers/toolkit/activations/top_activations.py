"""Reads an activation index: the best images of a channel, and where on them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor

from workers.toolkit.activations.activation_index import ActivationIndex
from workers.toolkit.activations.index_pass import Progress, activation_index
from workers.toolkit.activations.patches import effective_box, seen_box
from workers.toolkit.errors import EmptyImageSet, NoRectifier
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.images.image_set import ImageSet
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.network.network import Rule
from workers.toolkit.network.receptive_fields import ReceptiveField, receptive_fields
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel


class IndexEntry(NamedTuple):
    """What the index says of one image."""

    image: str
    activation: float
    place: tuple[int, int]  # y, x in the layer's map; 0, 0 where there is none


@dataclass(frozen=True)
class TopPatch:
    """The place of one image that activates a channel most, on the photograph itself."""

    image: str
    model_input: ModelInput
    activation: float
    place: tuple[int, int]  # y, x in the layer's map; 0, 0 where there is none
    box: Box  # in pixels of the photograph

    def facts(self, *, has_map: bool) -> dict[str, Any]:
        """The spot as JSON."""
        return {
            "image": self.image,
            "activation": self.activation,
            "position": list(self.place) if has_map else None,
            "box": [round(side, 2) for side in self.box],
        }


@dataclass(frozen=True)
class LayerReader:
    """One layer of a model, and what was indexed of it."""

    model: VisionModel
    path: str
    image_set: ImageSet
    index: ActivationIndex
    added: int  # images that had to be run to complete the index

    @property
    def has_map(self) -> bool:
        return bool(self.path) and len(self.model.network.layer_shape(self.path)) == 3

    @cached_property
    def field(self) -> ReceptiveField | None:
        """The layer's receptive field; None where each unit sees the whole input."""
        if not self.has_map:
            return None
        return receptive_fields(self.model.network.whole.graph).get(
            self.model.network.layers[self.path]
        )

    def best(self, channel: int, k: int) -> list[IndexEntry]:
        """The k images that activate the channel most, best first. No model call, no image read."""
        images = self.image_set.images
        rows = zip(
            self.index.images[channel, :k],
            self.index.values[channel, :k],
            self.index.places[channel, :k],
            strict=True,
        )
        return [
            IndexEntry(images[int(i)], float(value), (int(y), int(x))) for i, value, (y, x) in rows
        ]

    def model_input(self, image: str) -> ModelInput:
        """A photograph of the set before the model. Photographs are large: hold one at a time."""
        return self.model.preprocessing.prepare(self.image_set.open(image))

    def spot(self, hit: IndexEntry, model_input: ModelInput) -> TopPatch:
        """The hit on its photograph, with the box of its receptive field."""
        return TopPatch(
            hit.image,
            model_input,
            hit.activation,
            hit.place,
            seen_box(model_input, self.field, *hit.place),
        )

    def unit(self, channel: int, spot: TopPatch) -> Unit:
        return Unit(self.path, channel, spot.place if self.has_map else None)

    def gradient(self, channel: int, spot: TopPatch, rule: Rule | None = None) -> Tensor:
        """(C, H, W), at the spot. Raises NoRectifier where a rule would change nothing."""
        network = self.model.network
        if rule is not None and not network.rectifiers(self.path):
            raise NoRectifier(
                f"There is no ReLU before {self.path!r}: leave out `guided`, or name a deeper layer."
            )
        return input_gradient(
            network, self.unit(channel, spot), spot.model_input.x.to(network.device), rule
        )[0]

    def effective(self, channel: int, spot: TopPatch) -> TopPatch:
        """The spot with the box of the effective receptive field."""
        return replace(spot, box=effective_box(spot.model_input, self.gradient(channel, spot)))


def read_layer(
    model: VisionModel, path: str, image_set: ImageSet, name: str, progress: Progress
) -> LayerReader:
    """The layer with its index, which is kept as `name`, completed first. Progress leaves one step for what follows.

    Raises EmptyImageSet or NotFinite.
    """
    count = len(image_set.images)
    if not count:
        raise EmptyImageSet("The image set holds no image. Add some first.")
    added = 0

    def report(done: int, total: int, message: str) -> None:
        nonlocal added
        added = added or total - done
        progress(done, total + 1, message)

    index = activation_index(model, path, image_set, name, report)
    progress(count, count + 1, "patches")
    return LayerReader(model, path, image_set, index, added)
