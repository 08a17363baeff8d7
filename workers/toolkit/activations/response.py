"""How the channels of a layer respond to one image, anywhere or at one place of it."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workers.toolkit.activations.activation_index import Floats, Integers, maxima
from workers.toolkit.activations.top_activations import IndexEntry, LayerReader, TopPatch
from workers.toolkit.errors import NotFinite, PlaceOutside
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.network.receptive_fields import ReceptiveField


@torch.no_grad()
def channel_responses(
    reader: LayerReader, photograph: Image.Image, at: tuple[float, float] | None
) -> tuple[ModelInput, Floats, Integers]:
    """The value of each channel (C,) and where, y and x in the layer's map (C, 2). `at` is x, y in pixels of the image.

    Raises NotFinite.
    """
    model_input = reader.model.prepare(photograph)
    output = reader.model.network.run(model_input.x, reader.path)  # (1, C, h, w) or (1, C)
    if not bool(output.isfinite().all()):
        raise NotFinite(f"The layer {reader.path!r} is NaN or infinite for this image.")
    if at is None or output.ndim == 2:
        values, places = maxima(output)
        return model_input, values[0], places[0]
    y, x = unit_at(model_input, reader.field, (output.shape[2], output.shape[3]), at)
    values = output[0, :, y, x].float().cpu().numpy()
    return model_input, values, np.tile(np.array([y, x], np.int32), (len(values), 1))


def unit_at(
    model_input: ModelInput,
    field: ReceptiveField | None,
    size: tuple[int, int],
    at: tuple[float, float],
) -> tuple[int, int]:
    """y, x of the unit whose receptive field has its middle nearest to the pixel `at` (x, y) of the photograph.

    Raises PlaceOutside.
    """
    left, top, right, bottom = model_input.box
    if not (left <= at[0] <= right and top <= at[1] <= bottom):
        raise PlaceOutside(
            f"The network sees x {max(left, 0):.0f} to {right:.0f} and y {max(top, 0):.0f} to {bottom:.0f} of "
            f"this image of {model_input.image.width} × {model_input.image.height}; {at[0]:g},{at[1]:g} (x,y) is outside."
        )
    height, width = model_input.x.shape[2:]
    pixel = (
        (at[1] - top) / (bottom - top) * height,
        (at[0] - left) / (right - left) * width,
    )  # of the input
    if field is None:
        steps = [
            p * count / side for p, count, side in zip(pixel, size, (height, width), strict=True)
        ]
        found = [int(step) for step in steps]
    else:
        middles = [
            first + field_size / 2
            for first, field_size in zip(field.first, field.size, strict=True)
        ]
        found = [
            round((p - m) / stride)
            for p, m, stride in zip(pixel, middles, field.stride, strict=True)
        ]
    y, x = (min(max(place, 0), count - 1) for place, count in zip(found, size, strict=True))
    return y, x


def strongest_channels(
    reader: LayerReader, values: Floats, count: int, k: int, *, relative: bool
) -> list[int]:
    """The channels that respond most, by value or by the part of the channel's usual best."""
    order = (
        np.nan_to_num(relative_responses(reader, values, k), nan=-np.inf)
        if relative
        else values.astype(np.float64)
    )
    return [int(channel) for channel in np.argsort(-order, kind="stable")[:count]]


def relative_responses(reader: LayerReader, values: Floats, k: int) -> NDArray[np.float64]:
    """(C,) value as a part of the mean of the channel's k best in the set; NaN where that is not positive."""
    usual = reader.index.values[:, :k].mean(axis=1, dtype=np.float64)
    return np.where(usual > 0, values / np.where(usual > 0, usual, 1), np.nan)


def patch_of_response(
    reader: LayerReader, model_input: ModelInput, values: Floats, places: Integers, channel: int
) -> TopPatch:
    y, x = places[channel]
    return reader.spot(IndexEntry("", float(values[channel]), (int(y), int(x))), model_input)
