"""The image that a technique is asked about, where it is itself in the image set.

Compared with a set that contains it, an image would be among its own best patches, and part of the
usual best that its responses are divided by.
"""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageChops

from workers.toolkit.activations.activation_index import ActivationIndex, Floats
from workers.toolkit.activations.top_activations import LayerReader
from workers.toolkit.errors import EmptyImageSet

# Part of a channel's largest value by which two passes over one image may differ, with room for
# reduced precision: an image that is only similar is told apart by its pixels.
_ROUNDING = 0.01


def without_copies(
    reader: LayerReader, asked: Image.Image, largest: Floats
) -> tuple[LayerReader, list[str]]:
    """Return the layer without the copies of an image in the set, and the ids of the copies.

    A copy has the same pixels. `largest` is the largest value of each channel on the image, (C,).
    An image that is among the best of no channel is not looked at. Raises EmptyImageSet if no
    other image is left.
    """
    images = reader.image_set.images
    copies = [
        number
        for number in _candidates(reader.index, largest)
        if _same(asked, reader.image_set.open(images[number]))
    ]
    index = reader.index.without(copies)
    if not index.values.shape[1]:
        raise EmptyImageSet(
            "The image set holds no other image than the one that is asked about. Add others."
        )
    return replace(reader, index=index), [images[number] for number in copies]


def _candidates(index: ActivationIndex, largest: Floats) -> list[int]:
    """Return the images that have the given values wherever they are among a channel's best."""
    bound = _ROUNDING * np.abs(index.values).max(axis=1, keepdims=True)
    near = np.abs(index.values - largest[:, None]) <= bound
    return [int(image) for image in np.setdiff1d(index.images[near], index.images[~near])]


def _same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None
