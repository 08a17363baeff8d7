"""Top channels: what a layer sees in an image, told by each channel's best patches in a set."""

from math import isnan

from PIL import Image

from catalog.image_set import IndexUse, Patch, index_name
from catalog.techniques.top_channels import RespondingChannel, TopChannelsParams, TopChannelsSummary
from workers.toolkit.contact_sheet import contact_sheet
from workers.toolkit.context import Context, save_json, save_png
from workers.toolkit.grad_cam import last_map
from workers.toolkit.response import parts, respond, spot_of, strongest
from workers.toolkit.spot_pictures import patch_cell, place_cell, side_by_side
from workers.toolkit.top_activations import LayerReader, Spot, read_layer
from workers.toolkit.vision_model import VisionModel


def run(
    params: TopChannelsParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> TopChannelsSummary:
    before = model.network.passes
    path = params.layer or model.recommended.get("grad_cam") or last_map(model.network)
    name = index_name(model.name, model.weights, path)
    reader = read_layer(model, path, context.image_set, name, context.progress)
    view, values, places = respond(reader, images["image"], params.place())
    relative = parts(reader, values, params.k)
    chosen = strongest(reader, values, params.channels, params.k, relative=params.rank == "relative")
    rows: list[tuple[Spot, list[Spot]]] = [
        (spot_of(reader, view, values, places, channel), reader.best(channel, params.k)) for channel in chosen
    ]
    found = [_channel(reader, channel, relative[channel], *row) for channel, row in zip(chosen, rows, strict=True)]
    save_png(context, "channels.png", _sheet(found, rows, f"{path}: the channels that respond most"))
    save_json(context, "channels.json", [channel.model_dump() for channel in found])
    total = reader.index.covered + 1
    context.progress(total, total)
    use = IndexUse(images=reader.index.covered, added=reader.added, model_calls=model.network.passes - before)
    return TopChannelsSummary(layer=path, rank=params.rank, channels=found, index=use)


def _channel(reader: LayerReader, channel: int, part: float, spot: Spot, best: list[Spot]) -> RespondingChannel:
    facts = spot.facts(has_map=reader.has_map)
    del facts["image"]
    return RespondingChannel(
        channel=channel,
        relative=None if isnan(part) else float(part),
        patches=[Patch(**one.facts(has_map=reader.has_map)) for one in best],
        **facts,
    )


def _sheet(found: list[RespondingChannel], rows: list[tuple[Spot, list[Spot]]], caption: str) -> Image.Image:
    labels = [f"channel {channel.channel}: {channel.activation:.3g}" for channel in found]
    pictures = [
        side_by_side([place_cell(spot), patch_cell(spot), *(patch_cell(one) for one in best)]) for spot, best in rows
    ]
    return contact_sheet(pictures, labels, caption, columns=1)
