"""Every technique that leaves a map: its pictures and figures say what its values are."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from catalog.registry import find_technique, techniques
from tests.techniques.running import Recording, explain, values, wide_model
from tests.techniques.test_every_technique import run
from workers.toolkit.network.vision_model import VisionModel

MAPS = [name for name, each in techniques().items() if "colormap" in each.params.model_fields]
SIGNED = [("saliency", {"reduce": "signed"}), ("grad_cam", {"relu": False})]
every = pytest.mark.parametrize("name", MAPS)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return wide_model()


def picture(context: Recording, name: str) -> Image.Image:
    return Image.open(io.BytesIO(context.files[name]))


@pytest.mark.parametrize(("name", "asked"), [*((name, {}) for name in MAPS), *SIGNED], ids=str)
def test_the_colours_suit_the_values(
    name: str, asked: dict[str, object], tiny: VisionModel
) -> None:
    summary, context = explain(name, tiny, **asked)
    found, (low, high) = values(context), summary.color_range
    scale = find_technique(name).params.model_validate(asked).map_scale()
    if scale == "magnitude":
        assert found.min() >= 0 and low == 0
    elif scale == "signed":
        assert low == -high
    else:
        assert low == found.min() and high == found.max()
    assert low < high
    used = {color for _, color in picture(context, "heatmap.png").convert("RGB").getcolors(10**6)}
    table = colormaps[summary.colormap](np.linspace(0, 1, 255), bytes=True)[:, :3].tolist()
    assert used <= {tuple(color) for color in [*table, [150, 150, 150]]}
    assert len(used) > 2


@every
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_figure_is_left_beside_the_same_files(name: str, kind: str, model: VisionModel) -> None:
    plain, context, again = Recording(), Recording(), Recording()
    before, after = run(name, model, plain), run(name, model, context, figure=kind)
    run(name, model, again, figure=kind)
    assert before == after
    assert set(context.files) - set(plain.files) == {f"figure.{kind}"}
    assert context.files["values.npy"] == plain.files["values.npy"]
    assert context.files == again.files
    declared = {file.name: file.media_type for file in find_technique(name).artifacts}
    assert context.media_types.items() <= declared.items()


@every
def test_colours_limits_and_size_change_the_pictures_alone(name: str, tiny: VisionModel) -> None:
    signed = find_technique(name).params().map_scale() == "signed"
    asked = {
        "colormap": "PuOr" if signed else "cividis",
        "color_range": "-1e3,1e3" if signed else "0,1e3",
        "picture_side": 30,
    }
    before, plain = explain(name, tiny)
    after, context = explain(name, tiny, **asked)
    assert context.files["values.npy"] == plain.files["values.npy"]
    assert after.colormap == asked["colormap"] and after.color_range[1] == 1000
    changed = {"colormap": before.colormap, "color_range": before.color_range}
    assert after.model_copy(update=changed) == before
    for file in ("heatmap.png", "overlay.png"):
        assert picture(plain, file).size == (61, 43)
        assert picture(context, file).size == (30, 21)


@every
def test_every_value_has_a_unit(name: str, tiny: VisionModel) -> None:
    summary, _ = explain(name, tiny)
    assert summary.units and "{" not in summary.units
