"""Top channels: what a layer sees in an image, told by each channel's best patches in a set."""

from collections.abc import Callable
from math import isnan

from PIL import Image

from catalog.image_set import IndexUse, Patch, complete_index_name, index_name
from catalog.techniques.top_channels import RespondingChannel, TopChannelsParams, TopChannelsSummary
from workers.task import Task
from workers.toolkit.activations.response import (
    channel_responses,
    patch_of_response,
    relative_responses,
    strongest_channels,
)
from workers.toolkit.activations.top_activations import (
    IndexEntry,
    LayerReader,
    TopPatch,
    read_layer,
)
from workers.toolkit.activations.top_patches import patch_cell, place_cell, side_by_side
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.network.maps import last_map
from workers.toolkit.rendering.contact_sheet import contact_sheet


def run(task: Task[TopChannelsParams], context: Context) -> TopChannelsSummary:
    params, model = task.params, task.model
    before = model.network.passes
    path = params.layer or model.recommended.get("grad_cam") or last_map(model.network)
    name = index_name(model.name, model.weights, path)
    reader = read_layer(model, path, context.image_set, name, context.progress)
    view, values, places = channel_responses(reader, task.image(), params.place())
    relative = relative_responses(reader, values, params.k)
    chosen = strongest_channels(
        reader, values, params.channels, params.k, relative=params.rank == "relative"
    )
    cut = reader.effective if params.crop == "effective" else _all_that_is_seen
    total = reader.index.covered + 1

    def still() -> None:
        context.progress(total - 1, total, "patches")

    patches, cells = _best(reader, chosen, params.k, cut, still)
    spots = [
        cut(channel, patch_of_response(reader, view, values, places, channel)) for channel in chosen
    ]
    found = [
        _channel(reader, channel, relative[channel], spot, patches[channel])
        for channel, spot in zip(chosen, spots, strict=True)
    ]
    rows = [
        side_by_side([place_cell(spot), patch_cell(spot), *cells[channel]])
        for channel, spot in zip(chosen, spots, strict=True)
    ]
    labels = [_label(channel) for channel in found]
    caption = f"{path}: where in the image, and the best patches of {reader.index.covered} others"
    save_png(context, "channels.png", contact_sheet(rows, labels, caption, columns=1))
    save_json(context, "channels.json", [channel.model_dump() for channel in found])
    context.image_set.keep(complete_index_name(name, reader.index.covered), b"")
    context.progress(total, total)
    use = IndexUse(
        images=reader.index.covered, added=reader.added, model_calls=model.network.passes - before
    )
    return TopChannelsSummary(layer=path, rank=params.rank, channels=found, index=use)


def _best(
    reader: LayerReader,
    channels: list[int],
    k: int,
    cut: Callable[[int, TopPatch], TopPatch],
    still: Callable[[], None],
) -> tuple[dict[int, list[Patch]], dict[int, list[Image.Image]]]:
    """The patches of each channel and their small pictures, best first. Every photograph is decoded once.

    `still` is called before each of them.
    """
    hits = {channel: reader.best(channel, k) for channel in channels}
    shown: dict[tuple[int, IndexEntry], tuple[Patch, Image.Image]] = {}
    for image in dict.fromkeys(hit.image for of_channel in hits.values() for hit in of_channel):
        still()
        view = reader.model_input(image)
        for channel, of_channel in hits.items():
            for hit in (hit for hit in of_channel if hit.image == image):
                spot = cut(channel, reader.spot(hit, view))
                shown[channel, hit] = Patch(**spot.facts(has_map=reader.has_map)), patch_cell(spot)
    patches = {channel: [shown[channel, hit][0] for hit in hits[channel]] for channel in channels}
    return patches, {
        channel: [shown[channel, hit][1] for hit in hits[channel]] for channel in channels
    }


def _all_that_is_seen(channel: int, spot: TopPatch) -> TopPatch:
    return spot


def _label(channel: RespondingChannel) -> str:
    part = "" if channel.relative is None else f", {channel.relative:.2g} times its usual best"
    return f"channel {channel.channel}: {channel.activation:.3g}{part}"


def _channel(
    reader: LayerReader, channel: int, part: float, spot: TopPatch, patches: list[Patch]
) -> RespondingChannel:
    facts = spot.facts(has_map=reader.has_map)
    del facts["image"]
    relative = None if isnan(part) else float(part)
    return RespondingChannel(channel=channel, relative=relative, patches=patches, **facts)
