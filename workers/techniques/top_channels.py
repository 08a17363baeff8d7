"""Top channels: what a layer sees in an image, shown by each channel's best patches in a set.

Olah et al. 2018, The Building Blocks of Interpretability.
"""

from dataclasses import dataclass
from math import isnan

from PIL import Image

from catalog.image_set import IndexUse, Patch, complete_index_name, index_name
from catalog.techniques.top_channels import RespondingChannel, TopChannelsParams, TopChannelsSummary
from workers.task import Task
from workers.toolkit.activations.asked_image import without_copies
from workers.toolkit.activations.patch_pictures import patch_cell, place_cell
from workers.toolkit.activations.response import (
    ChannelResponses,
    channel_responses,
    relative_responses,
    strongest_channels,
)
from workers.toolkit.activations.top_activations import (
    IndexEntry,
    LayerReader,
    TopPatch,
    read_layer,
)
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.network.attached_layers import attach_layers
from workers.toolkit.network.maps import default_map
from workers.toolkit.rendering.contact_sheet import contact_sheet, side_by_side


@dataclass(frozen=True)
class _BestPatches:
    """The best patches of one channel in the set, with their pictures, best first."""

    patches: list[Patch]
    cells: list[Image.Image]


def run(task: Task[TopChannelsParams], context: Context) -> TopChannelsSummary:
    """Complete the layer's index and save a sheet of the channels that respond most to the image.

    Raises EmptyImageSet, NotFinite, PlaceOutside or OutOfMemory.
    """
    params, model = task.params, task.model
    passes_before = model.network.passes
    layer = params.layer or default_map(model, attach_layers(model.network))
    name = index_name(model.name, model.weights, layer)
    reader = read_layer(model, layer, context.image_set, name, context.progress)
    covered = reader.index.covered
    responses = channel_responses(reader, task.image(), params.place())
    others, left_out = without_copies(reader, task.image(), responses.largest)
    caption = _caption(others, left_out)
    channels = _responding_channels(params, others, responses, caption, context)
    save_json(context, "channels.json", [channel.model_dump() for channel in channels])
    context.image_set.keep(complete_index_name(name, covered), b"")
    context.progress(covered + 1, covered + 1)
    model_calls = model.network.passes - passes_before
    use = IndexUse(images=covered, added=reader.added, model_calls=model_calls)
    return TopChannelsSummary(
        layer=layer, rank=params.rank, channels=channels, left_out=left_out, index=use
    )


def _responding_channels(
    params: TopChannelsParams,
    reader: LayerReader,
    responses: ChannelResponses,
    caption: str,
    context: Context,
) -> list[RespondingChannel]:
    """Return the channels that respond most, and save the sheet with one row per channel."""
    effective = params.crop == "effective"
    relative = relative_responses(reader, responses.values, params.k)
    chosen = strongest_channels(
        reader, responses.values, params.channels, params.k, relative=params.rank == "relative"
    )
    best = _best_patches(reader, chosen, params.k, effective, context)
    found, rows = [], []
    for channel in chosen:
        patch = _cropped(reader, channel, responses.patch(reader, channel), effective)
        found.append(_summary(channel, relative[channel], patch, best[channel].patches))
        rows.append(side_by_side([place_cell(patch), patch_cell(patch), *best[channel].cells]))
    sheet = contact_sheet(rows, [_label(channel) for channel in found], caption, columns=1)
    save_png(context, "channels.png", sheet)
    return found


def _best_patches(
    reader: LayerReader, channels: list[int], k: int, effective: bool, context: Context
) -> dict[int, _BestPatches]:
    """Return the best patches of each channel. Every photograph is decoded once.

    Progress is reported before each photograph; it stays where it is.
    """
    entries = {channel: reader.best(channel, k) for channel in channels}
    made: dict[tuple[int, IndexEntry], tuple[Patch, Image.Image]] = {}
    covered = reader.index.covered
    images = [entry.image for of_channel in entries.values() for entry in of_channel]
    for image in dict.fromkeys(images):
        context.progress(covered, covered + 1, "patches")
        model_input = reader.model_input(image)
        for channel, of_channel in entries.items():
            for entry in of_channel:
                if entry.image == image:
                    whole = reader.patch(entry, model_input)
                    patch = _cropped(reader, channel, whole, effective)
                    made[channel, entry] = _patch_summary(patch), patch_cell(patch)
    return {
        channel: _BestPatches(
            patches=[made[channel, entry][0] for entry in of_channel],
            cells=[made[channel, entry][1] for entry in of_channel],
        )
        for channel, of_channel in entries.items()
    }


def _cropped(reader: LayerReader, channel: int, patch: TopPatch, effective: bool) -> TopPatch:
    """Return the patch with its effective receptive field, or as it is."""
    return reader.effective(channel, patch) if effective else patch


def _patch_summary(patch: TopPatch) -> Patch:
    return Patch(
        image=patch.image,
        activation=patch.activation,
        position=_position(patch),
        box=patch.rounded_box(),
    )


def _summary(
    channel: int, relative: float, patch: TopPatch, patches: list[Patch]
) -> RespondingChannel:
    return RespondingChannel(
        channel=channel,
        activation=patch.activation,
        relative=None if isnan(relative) else float(relative),
        position=_position(patch),
        box=patch.rounded_box(),
        patches=patches,
    )


def _caption(reader: LayerReader, left_out: list[str]) -> str:
    part = ", this one left out" if left_out else ""
    return f"{reader.path}: where in the image, best patches of {reader.index.covered} images{part}"


def _position(patch: TopPatch) -> list[int] | None:
    return None if patch.position is None else list(patch.position)


def _label(channel: RespondingChannel) -> str:
    part = "" if channel.relative is None else f", {channel.relative:.2g} times its usual best"
    return f"channel {channel.channel}: {channel.activation:.3g}{part}"
