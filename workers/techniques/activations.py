"""Activations: the maps of a layer's channels for an image (Olah et al. 2018)."""

from catalog.techniques.activations import (
    ActivationsParams,
    ActivationsSummary,
    ChannelActivation,
)
from workers.task import Task
from workers.toolkit.activations.channel_maps import (
    ChannelMaps,
    Indices,
    channel_maps,
    levels,
)
from workers.toolkit.activations.map_places import MapPlaces
from workers.toolkit.execution.context import Context, save_json, save_npy, save_png
from workers.toolkit.images.types import Box
from workers.toolkit.network.attached_layers import attach_layers
from workers.toolkit.network.maps import default_map
from workers.toolkit.rendering.channel_colors import ChannelColors, channel_colors
from workers.toolkit.rendering.channel_sheet import ChannelSheet, channel_sheet

_ORDERS = {
    "mean": "largest mean first",
    "max": "largest maximum first",
    "index": "in the order of their index",
}
_BY_VALUE = "largest value first"


def run(task: Task[ActivationsParams], context: Context) -> ActivationsSummary:
    """Save a sheet of the maps, an index, and the maps themselves.

    Raises NotFinite, LayerWithoutMap or TooExpensive.
    """
    params, model = task.params, task.model
    layer = params.layer or default_map(model, attach_layers(model.network))
    params.check_values(model.network.layer_shape(layer))
    context.progress(0, 2)
    model_input = model.prepare(task.seen())
    found = channel_maps(model.network, layer, model_input.x)
    context.progress(1, 2, "pictures")
    places = MapPlaces(model.network, layer, model_input, found.size)
    order = found.order(params.order)
    shown = order[: params.top]
    shared = params.scale == "shared" or not found.has_places
    colors = channel_colors(found.maps[shown], shared=shared)
    caption = _caption(params, layer, found, shown, colors)
    sheet = _sheet(params, found, shown, caption, colors)
    save_png(context, "sheet.png", sheet.picture)
    kept = order if params.maps == "all" else shown
    entries = [_entry(found, places, int(channel)) for channel in kept]
    for entry, tile in zip(entries, sheet.tiles, strict=False):
        entry.tile = list(tile)
    save_json(context, "channels.json", [entry.model_dump() for entry in entries])
    maps = found.maps[kept]
    save_npy(context, "maps.npy", levels(maps) if params.values == "uint8" else maps)
    context.progress(2, 2)
    return ActivationsSummary(
        layer=layer,
        channels=len(found.maps),
        grid=list(found.size) if found.has_places else None,
        shown=shown.tolist(),
        order=params.order,
        scale="shared" if shared else "per_channel",
        color_range=list(colors.limits) if colors.limits else None,
        signed=colors.signed,
        map_box=_rounded(places.map_box),
        input_box=_rounded(model_input.box),
        values=params.values,
        caption=caption,
    )


def _sheet(
    params: ActivationsParams,
    found: ChannelMaps,
    shown: Indices,
    caption: str,
    colors: ChannelColors,
) -> ChannelSheet:
    name, responses = ("max ", found.largest) if params.order == "max" else ("mean ", found.means)
    word = name if found.has_places else ""
    labels = [(str(channel), f"{word}{responses[channel]:.3g}") for channel in shown]
    return channel_sheet(found.maps[shown], labels, caption, colors, params.tile)


def _caption(
    params: ActivationsParams, layer: str, found: ChannelMaps, shown: Indices, colors: ChannelColors
) -> str:
    height, width = found.size
    places = f"{height} × {width} places" if found.has_places else "one value for each channel"
    coloured = "all tiles on one scale" if colors.limits else "each tile on its own scale"
    counted = f"{len(shown)} of {len(found.maps)} channels"
    order = _ORDERS[params.order] if found.has_places or params.order == "index" else _BY_VALUE
    return f"{layer}: {counted}, {order}; {places}; {coloured}"


def _entry(found: ChannelMaps, places: MapPlaces, channel: int) -> ChannelActivation:
    y, x = found.peak(channel)
    return ChannelActivation(
        channel=channel,
        mean=float(found.means[channel]),
        min=float(found.maps[channel].min()),
        max=float(found.largest[channel]),
        position=[y, x] if found.has_places else None,
        cell=_rounded(places.cell(y, x)),
        box=_rounded(places.seen(y, x)),
        tile=None,
    )


def _rounded(box: Box) -> list[float]:
    """Return the box in hundredths of a pixel."""
    return [round(side, 2) for side in box]
