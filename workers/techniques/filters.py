"""Filters: w/‖w‖ of a convolution, in colour if it reads the image, otherwise in grey slices."""

from catalog.techniques.filters import FiltersParams, FiltersSummary
from workers.task import Task
from workers.toolkit.execution.context import Context, save_npy, save_png
from workers.toolkit.network.convolution import Convolution, find_convolution
from workers.toolkit.rendering.contact_sheet import contact_sheet
from workers.toolkit.rendering.filter_pictures import dead_filters, draw_filters, unit_length


def run(task: Task[FiltersParams], context: Context) -> FiltersSummary:
    """Save a sheet of the filters and their values.

    Raises NotAConvolution.
    """
    params, model = task.params, task.model
    context.progress(0, 1)
    convolution = find_convolution(model.network, params.layer or model.recommended.get("filters"))
    units, norms = unit_length(convolution.weight)
    colour = convolution.reads_input and units.shape[1] == 3
    shown = units[: params.limit]
    shared = params.scale == "shared"
    dead = dead_filters(norms)
    pictures = draw_filters(shown, dead, shared=shared, colour=colour, slices=params.slices)
    caption = _caption(convolution, len(shown), colour, params)
    labels = [f"{number} dead" if number in dead else str(number) for number in range(len(shown))]
    sheet = contact_sheet(pictures, labels, caption)
    save_png(context, "filters.png", sheet)
    save_npy(context, "filters.npy", units.cpu().numpy())
    context.progress(1, 1)
    return FiltersSummary(
        layer=convolution.path,
        shape=list(units.shape),
        groups=convolution.groups,
        weights="computed" if convolution.computed else "stored",
        shown=len(shown),
        colour=colour,
        scale=params.scale,
        caption=caption,
        dead=dead,
        norms=norms.tolist(),
    )


def _caption(convolution: Convolution, shown: int, colour: bool, params: FiltersParams) -> str:
    filters, channels, height, width = convolution.weight.shape
    scale = "each on its own scale" if params.scale == "per_filter" else "all on one scale"
    what = "in colour" if colour else _slices(convolution, channels, params.slices)
    size = f"{shown} of {filters} filters {height} × {width}"
    of = " of the computed weights" if convolution.computed else ""
    return f"{convolution.path}: {size}{of}, {what}, {scale}; grey is 0"


def _slices(convolution: Convolution, channels: int, most: int) -> str:
    grouped = convolution.groups > 1
    if channels == 1:
        return "the one input channel of each" if grouped else "the input's one channel"
    last = min(most, channels) - 1
    all_of_them = channels <= most
    shown = f"{channels} channels" if all_of_them else f"input channels 0 to {last} of {channels}"
    return f"{shown} of each{' group' if grouped else ''}, left to right"
