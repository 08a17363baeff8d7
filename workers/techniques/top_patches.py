"""Top patches: where the images of a set activate a channel most.

Girshick et al. 2014; Zeiler & Fergus 2014.
"""

from PIL import Image

from catalog.heatmap import ExplainedTarget
from catalog.image_set import IndexUse, Patch, complete_index_name, index_name
from catalog.models import ReceptiveField
from catalog.targets import Target
from catalog.techniques.top_patches import TopPatchesParams, TopPatchesSummary
from workers.task import Task
from workers.toolkit.activations.patch_pictures import (
    crop_to_patch,
    patch_cell,
    patch_picture,
    place_cell,
)
from workers.toolkit.activations.top_activations import LayerReader, TopPatch, read_layer
from workers.toolkit.attribution.explained_input import target_summary
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.network.rectifiers import guided
from workers.toolkit.network.unit import find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.rendering.contact_sheet import contact_sheet
from workers.toolkit.rendering.gradient_picture import gradient_picture


def run(task: Task[TopPatchesParams], context: Context) -> TopPatchesSummary:
    """Complete the layer's index and save the channel's best patches and where they lie.

    Raises EmptyImageSet, NotFinite, NoRectifier or OutOfMemory.
    """
    params, model, target = task.params, task.model, task.target
    passes_before = model.network.passes
    unit = find_unit(target, model.network)
    channel = unit.channel
    assert channel is not None
    name = index_name(model.name, model.weights, unit.path)
    reader = read_layer(model, unit.path, context.image_set, name, context.progress)
    patches = _save_patches(params, reader, channel, context, _caption(model, target, reader))
    covered = reader.index.covered
    context.image_set.keep(complete_index_name(name, covered), b"")
    context.progress(covered + 1, covered + 1)
    model_calls = model.network.passes - passes_before
    return TopPatchesSummary(
        target=ExplainedTarget(**vars(target_summary(model, target, unit))),
        receptive_field=_receptive_field(reader),
        crop=params.crop,
        patches=patches,
        index=IndexUse(images=covered, added=reader.added, model_calls=model_calls),
    )


def _save_patches(
    params: TopPatchesParams, reader: LayerReader, channel: int, context: Context, caption: str
) -> list[Patch]:
    """Save every patch and the sheets; one photograph is held at a time."""
    found, cells, places, labels = [], [], [], []
    for number, entry in enumerate(reader.best(channel, params.k), 1):
        patch = reader.patch(entry, reader.model_input(entry.image))
        if params.crop == "effective":
            patch = reader.effective(channel, patch)
        beside = _save_guided(reader, channel, patch, context, number) if params.guided else None
        file = f"patch-{number}.png"
        save_png(context, file, patch_picture(patch))
        found.append(_summary(patch, file))
        cells.append(patch_cell(patch, beside))
        places.append(place_cell(patch))
        labels.append(f"{number}: {patch.activation:.3g}")
    save_png(context, "patches.png", contact_sheet(cells, labels, caption))
    save_png(context, "places.png", contact_sheet(places, labels, caption))
    save_json(context, "patches.json", [summary.model_dump() for summary in found])
    return found


def _summary(patch: TopPatch, file: str) -> Patch:
    return Patch(
        image=patch.image,
        activation=patch.activation,
        position=None if patch.position is None else list(patch.position),
        box=patch.rounded_box(),
        file=file,
    )


def _save_guided(
    reader: LayerReader, channel: int, patch: TopPatch, context: Context, number: int
) -> Image.Image:
    """Save the guided backpropagation of the unit, cropped to the patch; return the picture."""
    picture = crop_to_patch(patch, gradient_picture(reader.gradient(channel, patch, guided)))
    save_png(context, f"guided-{number}.png", picture)
    return picture


def _caption(model: VisionModel, target: Target, reader: LayerReader) -> str:
    index = target.index
    what = target.text if index is None else f"class {index}, {model.label(index)}"
    return f"{what}: best of {reader.index.covered} images"


def _receptive_field(reader: LayerReader) -> ReceptiveField | None:
    field = reader.field
    if field is None:
        return None
    size, stride, offset = list(field.size), list(field.stride), list(field.first)
    return ReceptiveField(size=size, stride=stride, offset=offset)
