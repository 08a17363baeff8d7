"""Top patches: where the images of a set activate a channel most (Girshick et al. 2014; Zeiler & Fergus 2014)."""

from PIL import Image

from catalog.heatmap import ExplainedTarget
from catalog.image_set import IndexUse, Patch, complete_index_name, index_name
from catalog.models import ReceptiveField
from catalog.targets import Target
from catalog.techniques.top_patches import TopPatchesParams, TopPatchesSummary
from workers.task import Task
from workers.toolkit.activations.top_activations import LayerReader, TopPatch, read_layer
from workers.toolkit.activations.top_patches import (
    crop_to_patch,
    patch_cell,
    patch_picture,
    place_cell,
)
from workers.toolkit.attribution.explained_input import target_summary
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.network.rectifiers import guided
from workers.toolkit.network.unit import find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.rendering.contact_sheet import contact_sheet
from workers.toolkit.rendering.heatmap import gradient_picture


def run(task: Task[TopPatchesParams], context: Context) -> TopPatchesSummary:
    params, model = task.params, task.model
    before = model.network.passes
    target = task.target
    unit = find_unit(target, model.network)
    channel = unit.channel
    assert channel is not None
    name = index_name(model.name, model.weights, unit.path)
    reader = read_layer(model, unit.path, context.image_set, name, context.progress)
    patches = _leave(params, reader, channel, context, _caption(model, target, reader))
    context.image_set.keep(complete_index_name(name, reader.index.covered), b"")
    total = reader.index.covered + 1
    context.progress(total, total)
    return TopPatchesSummary(
        target=ExplainedTarget(**target_summary(model, target, unit)),
        receptive_field=_receptive_field(reader),
        crop=params.crop,
        patches=patches,
        index=IndexUse(
            images=reader.index.covered,
            added=reader.added,
            model_calls=model.network.passes - before,
        ),
    )


def _leave(
    params: TopPatchesParams, reader: LayerReader, channel: int, context: Context, caption: str
) -> list[Patch]:
    """Save every patch and the sheets; one photograph is held at a time."""
    patches, cells, places, labels = [], [], [], []
    for number, hit in enumerate(reader.best(channel, params.k), 1):
        spot = reader.spot(hit, reader.model_input(hit.image))
        if params.crop == "effective":
            spot = reader.effective(channel, spot)
        beside = _guided(reader, channel, spot, context, number) if params.guided else None
        save_png(context, f"patch-{number}.png", patch_picture(spot))
        patches.append(Patch(**spot.facts(has_map=reader.has_map), file=f"patch-{number}.png"))
        cells.append(patch_cell(spot, beside))
        places.append(place_cell(spot))
        labels.append(f"{number}: {spot.activation:.3g}")
    save_png(context, "patches.png", contact_sheet(cells, labels, caption))
    save_png(context, "places.png", contact_sheet(places, labels, caption))
    save_json(context, "patches.json", [patch_picture.model_dump() for patch_picture in patches])
    return patches


def _guided(
    reader: LayerReader, channel: int, spot: TopPatch, context: Context, number: int
) -> Image.Image:
    """Save the guided backpropagation of the unit, cut to the patch."""
    picture = crop_to_patch(spot, gradient_picture(reader.gradient(channel, spot, guided)))
    save_png(context, f"guided-{number}.png", picture)
    return picture


def _caption(model: VisionModel, target: Target, reader: LayerReader) -> str:
    what = (
        f"class {target.index}, {model.label(target.index)}"
        if target.index is not None
        else target.text
    )
    return f"{what}: best of {reader.index.covered} images"


def _receptive_field(reader: LayerReader) -> ReceptiveField | None:
    field = reader.field
    if field is None:
        return None
    return ReceptiveField(
        size=list(field.size), stride=list(field.stride), offset=list(field.first)
    )
