"""The form in which a technique receives its work."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from catalog.checks import check_array
from catalog.models import ModelDescription
from catalog.named_targets import check_named, read_targets
from catalog.targets import Target
from catalog.technique import Params
from workers.toolkit.images.array import Input
from workers.toolkit.network.vision_model import VisionModel

P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Task(Generic[P]):
    """The work of a technique, with nothing left to parse, to check or to fill in.

    `params` are of the technique's resolved type. `inputs` are decoded RGB images and float32
    arrays under the names of the technique's inputs. `targets` are parsed, in the order in which
    the parameters name them.
    """

    params: P
    model: VisionModel
    inputs: Mapping[str, Input]
    targets: tuple[Target, ...]
    seed: int

    @property
    def target(self) -> Target:
        """The target of a technique that takes exactly one."""
        (target,) = self.targets
        return target

    def seen(self) -> Input:
        """Return the required input `image`: a photograph, or an array of the model's channels."""
        return self.inputs["image"]

    def image(self, name: str = "image") -> Image.Image:
        """Return the image of that name, which the technique requires."""
        image = self.inputs[name]
        assert isinstance(image, Image.Image)
        return image

    def find_image(self, name: str) -> Image.Image | None:
        """Return the image of that name, or None if it was not sent."""
        return self.image(name) if name in self.inputs else None


def make_task(
    params: P, model: VisionModel, inputs: Mapping[str, Input], description: ModelDescription
) -> Task[P]:
    """Parse and check what the parameters name, once, and return the task.

    The parameters must be resolved and have a seed, as those of an accepted job. Raises
    CatalogError, or ValueError for parameters without a seed.
    """
    if params.seed is None:
        raise ValueError("The parameters have no seed. Draw one before the task is made.")
    targets = tuple(read_targets(params, model.labels, dense=model.head.dense))
    check_named(params, targets, description)
    for name, sent in inputs.items():
        if isinstance(sent, np.ndarray):
            check_array(params, name, sent.shape, description)
    return Task(params, model, inputs, targets, params.seed)
