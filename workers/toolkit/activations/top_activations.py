"""The best images of a channel, read from an activation index, and where on them it is active."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from torch import Tensor

from workers.toolkit.activations.activation_index import ActivationIndex
from workers.toolkit.activations.index_pass import activation_index
from workers.toolkit.activations.patches import effective_box, seen_box
from workers.toolkit.errors import EmptyImageSet, NoRectifier
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.execution.types import Progress
from workers.toolkit.images.image_set import ImageSet
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.network.hidden_rectifiers import refuse_hidden
from workers.toolkit.network.network import Rule
from workers.toolkit.network.receptive_fields import receptive_fields, seen_pixels
from workers.toolkit.network.regular_fields import ReceptiveField
from workers.toolkit.network.seen_pixels import SeenPixels
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel


class IndexEntry(NamedTuple):
    """The largest activation of a channel on one image.

    `place` is y, x in the layer's map, or 0, 0 if the layer has no map.
    """

    image: str
    activation: float
    place: tuple[int, int]


@dataclass(frozen=True)
class TopPatch:
    """The part of a photograph that activates a channel most.

    `position` is y, x in the layer's map, or None if the layer has no map. The box is in pixels
    of the photograph.
    """

    image: str
    model_input: ModelInput
    activation: float
    position: tuple[int, int] | None
    box: Box

    def rounded_box(self) -> list[float]:
        """Return the box in hundredths of a pixel, as summaries show it."""
        return [round(side, 2) for side in self.box]


@dataclass(frozen=True)
class LayerReader:
    """One layer of a model with its activation index.

    `added` is the number of images that had to be run to complete the index.
    """

    model: VisionModel
    path: str
    image_set: ImageSet
    index: ActivationIndex
    added: int

    @property
    def has_grid(self) -> bool:
        """Whether the layer's output has the shape [C, H, W], with one place or more."""
        return bool(self.path) and len(self.model.network.layer_shape(self.path)) == 3

    @cached_property
    def field(self) -> ReceptiveField | None:
        """The layer's receptive field, or None if it is not regular or not known."""
        if not self.has_grid:
            return None
        network = self.model.network
        return receptive_fields(network.whole.graph).get(network.layers[self.path])

    @cached_property
    def seen(self) -> SeenPixels | None:
        """The pixels that each unit of the layer sees, or None if these are not known."""
        if not self.has_grid:
            return None
        network = self.model.network
        return seen_pixels(network.whole.graph).get(network.layers[self.path])

    def best(self, channel: int, k: int) -> list[IndexEntry]:
        """Return the k images that activate the channel most, best first.

        The model is not called, and no image is read.
        """
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
        """Return the model's input for a photograph of the set.

        Photographs are large: hold one at a time.
        """
        return self.model.preprocessing.prepare(self.image_set.open(image))

    def patch(self, entry: IndexEntry, model_input: ModelInput) -> TopPatch:
        """Return the patch of an entry, with the box of its receptive field."""
        position = entry.place if self.has_grid else None
        box = seen_box(model_input, self.seen, *entry.place)
        return TopPatch(entry.image, model_input, entry.activation, position, box)

    def unit(self, channel: int, patch: TopPatch) -> Unit:
        """Return the unit that the patch activates."""
        return Unit(self.path, channel, patch.position)

    def gradient(self, channel: int, patch: TopPatch, rule: Rule | None = None) -> Tensor:
        """Return the unit's gradient with respect to the input, (C, H, W).

        Raises NoRectifier if a rule would change nothing, and HiddenRectifier if it would hold
        for some ReLUs only.
        """
        network = self.model.network
        if rule is not None:
            refuse_hidden(network.hidden_rectifiers(self.path))
        if rule is not None and not network.rectifiers(self.path):
            raise NoRectifier(
                f"There is no ReLU before {self.path!r}: leave out `guided`, "
                "or name a deeper layer."
            )
        x = patch.model_input.x.to(network.device)
        return input_gradient(network, self.unit(channel, patch), x, rule)[0]

    def effective(self, channel: int, patch: TopPatch) -> TopPatch:
        """Return the patch with the box of the effective receptive field."""
        gradient = self.gradient(channel, patch)
        return replace(patch, box=effective_box(patch.model_input, gradient))


def read_layer(
    model: VisionModel, path: str, image_set: ImageSet, name: str, progress: Progress
) -> LayerReader:
    """Complete the index that is kept as `name`, and return the layer with it.

    Progress leaves one step for what follows. Raises EmptyImageSet or NotFinite.
    """
    count = len(image_set.images)
    if not count:
        raise EmptyImageSet(
            "The image set is empty. Add images with POST /v1/image-sets/{id}/images."
        )
    added = 0

    def report(done: int, total: int, message: str) -> None:
        nonlocal added
        added = added or total - done
        progress(done, total + 1, message)

    index = activation_index(model, path, image_set, name, report)
    progress(count, count + 1, "patches")
    return LayerReader(model, path, image_set, index, added)
