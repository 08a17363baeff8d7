"""The response of a layer's channels to one image, anywhere or at one place of it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workers.toolkit.activations.activation_index import Floats, Integers, maxima
from workers.toolkit.activations.top_activations import IndexEntry, LayerReader, TopPatch
from workers.toolkit.errors import NotFinite, PlaceOutside
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.network.regular_fields import ReceptiveField


@dataclass(frozen=True)
class ChannelResponses:
    """The response of each channel to an image: its value and where in the layer's map it is.

    `largest` is the largest value of each channel, wherever it is.
    """

    model_input: ModelInput
    largest: Floats  # (C,)
    values: Floats  # (C,)
    places: Integers  # (C, 2): y, x

    def patch(self, reader: LayerReader, channel: int) -> TopPatch:
        """Return the part of the image that gives the channel its value."""
        y, x = self.places[channel]
        entry = IndexEntry("", float(self.values[channel]), (int(y), int(x)))
        return reader.patch(entry, self.model_input)


@torch.no_grad()
def channel_responses(
    reader: LayerReader, photograph: Image.Image, at: tuple[float, float] | None
) -> ChannelResponses:
    """Return the response of each channel, at its maximum or at a place of the image.

    `at` is x, y in pixels of the image. Raises NotFinite or PlaceOutside.
    """
    model_input = reader.model.prepare(photograph)
    output = reader.model.network.run(model_input.x, reader.path)  # (1, C, h, w) or (1, C)
    if not bool(output.isfinite().all()):
        raise NotFinite(f"The layer {reader.path!r} is NaN or infinite for this image.")
    values, places = maxima(output)
    if at is None or output.ndim == 2:
        return ChannelResponses(model_input, values[0], values[0], places[0])
    y, x = unit_at(model_input, reader.field, (output.shape[2], output.shape[3]), at)
    channels = output[0, :, y, x].float().cpu().numpy()
    place = np.array([y, x], np.int32)
    return ChannelResponses(model_input, values[0], channels, np.tile(place, (len(channels), 1)))


def unit_at(
    model_input: ModelInput,
    field: ReceptiveField | None,
    size: tuple[int, int],
    at: tuple[float, float],
) -> tuple[int, int]:
    """Return y, x of the unit whose receptive field has its middle nearest to a pixel.

    The pixel `at` is x, y in pixels of the photograph; `size` is the height and width of the
    layer's map. Raises PlaceOutside.
    """
    _check_visible(model_input, at)
    left, top, right, bottom = model_input.box
    height, width = model_input.x.shape[2:]
    pixel = (
        (at[1] - top) / (bottom - top) * height,
        (at[0] - left) / (right - left) * width,
    )  # y, x in pixels of the input
    y, x = _in_even_grid(pixel, size, (height, width)) if field is None else _nearest(pixel, field)
    return _limit(y, size[0]), _limit(x, size[1])


def strongest_channels(
    reader: LayerReader, values: Floats, count: int, k: int, *, relative: bool
) -> list[int]:
    """Return the channels with the largest values (C,), the largest first.

    With `relative`, a value counts as a part of the channel's usual best.
    """
    keys = relative_responses(reader, values, k) if relative else values.astype(np.float64)
    order = np.argsort(-np.nan_to_num(keys, nan=-np.inf), kind="stable")
    return [int(channel) for channel in order[:count]]


def relative_responses(reader: LayerReader, values: Floats, k: int) -> NDArray[np.float64]:
    """Return each value (C,) as a part of the mean of the channel's k best in the set.

    It is NaN if that mean is not positive.
    """
    usual = reader.index.values[:, :k].mean(axis=1, dtype=np.float64)
    return np.where(usual > 0, values / np.where(usual > 0, usual, 1), np.nan)


def _check_visible(model_input: ModelInput, at: tuple[float, float]) -> None:
    left, top, right, bottom = model_input.box
    if left <= at[0] <= right and top <= at[1] <= bottom:
        return
    image = model_input.image
    raise PlaceOutside(
        f"The network sees x {max(left, 0):.0f} to {right:.0f} and "
        f"y {max(top, 0):.0f} to {bottom:.0f} of this image of "
        f"{image.width} × {image.height}; {at[0]:g},{at[1]:g} (x,y) is outside."
    )


def _in_even_grid(
    pixel: tuple[float, float], size: tuple[int, int], sides: tuple[int, int]
) -> tuple[int, int]:
    """Return the cell that the pixel lies in if the input is divided into `size` equal cells."""
    y, x = (p * count / side for p, count, side in zip(pixel, size, sides, strict=True))
    return int(y), int(x)


def _nearest(pixel: tuple[float, float], field: ReceptiveField) -> tuple[int, int]:
    """Return the unit whose receptive field has its middle nearest to the pixel."""
    middles = [first + size / 2 for first, size in zip(field.first, field.size, strict=True)]
    y, x = (
        round((p - middle) / stride)
        for p, middle, stride in zip(pixel, middles, field.stride, strict=True)
    )
    return y, x


def _limit(place: int, count: int) -> int:
    return min(max(place, 0), count - 1)
