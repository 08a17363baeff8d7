"""Activations: the maps against a forward hook on the plain module, the sheet and the index."""

import io
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from catalog.errors import TooExpensive
from catalog.model_description import Layer, ModelDescription
from catalog.techniques.activations import ActivationsParams, ActivationsSummary
from tests.techniques.running import PHOTO, Recording, entry_of, explain
from tests.tiny import SIDE, photo, tiny_model
from tests.toolkit.execution.test_dynamic_batching import together
from tests.toolkit.networks import Sandwich, sandwich
from workers.toolkit.activations.channel_maps import levels
from workers.toolkit.errors import NotFinite
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.rendering.channel_colors import channel_colors
from workers.toolkit.rendering.channel_sheet import draw_tile


def run(
    model: VisionModel, image: Image.Image = PHOTO, **params: Any
) -> tuple[ActivationsSummary, Recording]:
    summary, context = explain("activations", model, image, **params)
    assert isinstance(summary, ActivationsSummary)
    return summary, context


def index_of(context: Recording) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(context.files["channels.json"])
    return entries


def maps_of(context: Recording) -> NDArray[np.float64]:
    return np.load(io.BytesIO(context.files["maps.npy"]), allow_pickle=False)


def hooked(model: VisionModel, layer: str, image: Image.Image = PHOTO) -> Tensor:
    """What the layer's module returns for the image, read by a hook on the plain module."""
    seen: list[Tensor] = []
    module = model.network.module
    handle = module.get_submodule(layer).register_forward_hook(
        lambda part, given, out: seen.append(out.clone())
    )
    with torch.no_grad():
        module(model.prepare(image).x)
    handle.remove()
    return seen[-1][0]


def of(module: nn.Module, side: int = SIDE) -> VisionModel:
    preprocessing = Preprocessing(side + 4, side, "bilinear", (0.5, 0.4, 0.3), (0.2, 0.2, 0.3))
    labels = tuple(f"label {i}" for i in range(10))
    return VisionModel("own", Network(module, 3, side, side), preprocessing, labels, "sha256:own")


def channels_last(net: Sandwich, x: Tensor) -> Tensor:
    return net.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).mean((2, 3))


def channels_first_tokens(net: Sandwich, x: Tensor) -> Tensor:
    return net.relu(net.second(x).flatten(2)).mean(2)


@pytest.mark.parametrize("layer", ["conv1", "relu2", "conv3"])
def test_every_map_is_what_a_hook_sees(tiny: VisionModel, layer: str) -> None:
    summary, context = run(tiny, layer=layer, values="float32")
    expected, maps = hooked(tiny, layer).numpy(), maps_of(context)
    assert (maps.dtype, summary.channels) == (np.float32, len(expected))
    assert summary.grid == list(expected.shape[1:])
    entries = index_of(context)
    assert [entry["channel"] for entry in entries] == summary.shown
    for entry, shown in zip(entries, maps, strict=True):
        one = expected[entry["channel"]]
        np.testing.assert_allclose(shown, one, atol=1e-5)
        assert entry["mean"] == pytest.approx(one.mean(), abs=1e-5)
        assert entry["max"] == pytest.approx(one.max(), abs=1e-5)
        assert entry["min"] == pytest.approx(one.min(), abs=1e-5)
        assert one[tuple(entry["position"])] == pytest.approx(one.max(), abs=1e-5)


@pytest.mark.parametrize(
    ("middle", "layer"), [(channels_last, "norm"), (channels_first_tokens, "relu")]
)
def test_maps_of_other_layouts_are_those_of_the_module(middle: Any, layer: str) -> None:
    model = of(sandwich(middle))
    _, context = run(model, layer=layer, order="index", values="float32")
    seen = hooked(model, layer)
    expected = seen.permute(2, 0, 1) if middle is channels_last else seen.unflatten(1, (SIDE, SIDE))
    np.testing.assert_allclose(maps_of(context), expected.numpy(), atol=1e-5)


def test_tokens_are_the_places_of_a_map_without_the_class_token() -> None:
    options = {"img_size": 64, "depth": 2, "embed_dim": 48, "num_heads": 3, "num_classes": 10}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = of(
            timm.create_model("vit_tiny_patch16_224", pretrained=False, **options).eval(), 64
        )
    summary, context = run(model, layer="blocks.0", order="index", values="float32")
    tokens = hooked(model, "blocks.0")
    assert (tuple(tokens.shape), summary.grid) == ((17, 48), [4, 4])
    expected = tokens[1:].T.unflatten(1, (4, 4)).numpy()
    np.testing.assert_allclose(maps_of(context), expected, atol=1e-5)


def test_a_layer_without_a_map_has_one_value_for_each_channel(tiny: VisionModel) -> None:
    summary, context = run(tiny, layer="head", values="float32", scale="per_channel")
    expected = hooked(tiny, "head").numpy()
    assert maps_of(context).shape == (10, 1, 1)
    assert (summary.grid, summary.scale, summary.channels) == (None, "shared", 10)
    assert summary.shown == np.argsort(-expected, kind="stable").tolist()
    for entry in index_of(context):
        assert entry["position"] is None
        assert entry["mean"] == entry["max"] == pytest.approx(expected[entry["channel"]], abs=1e-5)


@pytest.mark.parametrize("order", ["mean", "max", "index"])
def test_channels_come_in_the_order_that_is_asked_for(tiny: VisionModel, order: str) -> None:
    summary, _ = run(tiny, layer="conv3", order=order, top=5)
    maps = hooked(tiny, "conv3")
    by = {"mean": maps.mean((1, 2)), "max": maps.amax((1, 2)), "index": -torch.arange(8)}[order]
    assert summary.shown == by.argsort(descending=True, stable=True).tolist()[:5]


def test_with_all_maps_those_of_the_sheet_come_first(tiny: VisionModel) -> None:
    summary, context = run(tiny, layer="conv3", top=3, maps="all", values="float32")
    entries, maps = index_of(context), maps_of(context)
    assert (len(entries), len(maps), len(summary.shown)) == (8, 8, 3)
    assert [entry["channel"] for entry in entries][:3] == summary.shown
    assert [entry["tile"] is None for entry in entries] == [False] * 3 + [True] * 5
    expected = hooked(tiny, "conv3").numpy()
    np.testing.assert_allclose(maps, expected[[entry["channel"] for entry in entries]], atol=1e-5)


def test_bytes_are_the_values_to_half_a_step(tiny: VisionModel) -> None:
    _, context = run(tiny, layer="conv3")
    _, exact = run(tiny, layer="conv3", values="float32")
    maps = maps_of(context)
    assert maps.dtype == np.uint8
    assert maps.min((1, 2)).tolist() == [0] * 8 and maps.max((1, 2)).tolist() == [255] * 8
    for entry, level, values in zip(index_of(context), maps, maps_of(exact), strict=True):
        step = (entry["max"] - entry["min"]) / 255
        np.testing.assert_allclose(entry["min"] + level * step, values, atol=0.51 * step)


def test_a_constant_map_is_level_zero() -> None:
    assert levels(np.full((2, 3, 3), -4.5, np.float32)).tolist() == np.zeros((2, 3, 3)).tolist()


def test_levels_take_little_more_memory_than_their_bytes() -> None:
    maps = np.random.default_rng(0).normal(size=(256, 64, 64)).astype(np.float32)
    tracemalloc.start()
    found = levels(maps)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.nbytes <= peak < 1.5 * found.nbytes


def test_each_tile_is_where_the_index_says(tiny: VisionModel) -> None:
    summary, context = run(tiny, layer="relu3", tile=40)
    sheet = Image.open(io.BytesIO(context.files["sheet.png"])).convert("RGB")
    expected = hooked(tiny, "relu3").numpy()
    assert not summary.signed and summary.color_range is None
    boxes = [tuple(entry["tile"]) for entry in index_of(context)]
    assert len(set(boxes)) == len(boxes)
    for entry, box in zip(index_of(context), boxes, strict=True):
        tile = np.asarray(sheet.crop(box)).astype(int)
        made = draw_tile(expected[entry["channel"]], channel_colors(expected, shared=False), 40)
        assert np.abs(tile - np.asarray(made).astype(int)).max() <= 1


def test_a_tile_is_brightest_where_its_map_is_largest() -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 3
    colors = channel_colors(values[None], shared=False)
    tile = np.asarray(draw_tile(values, colors, 32)).astype(int)
    assert tile.shape == (32, 32, 3)
    peak = np.abs(tile - tile[8, 16]).sum(2) == 0
    assert peak[8:16, 16:24].all() and peak.sum() == 64
    assert tile[8, 16].sum() > 600 > 30 > tile[0, 0].sum()


def test_rounding_errors_have_no_contrast() -> None:
    values = np.zeros((2, 4, 4), np.float32)
    values[0, 0, 0], values[1, 2, 2] = 5, 5e-7
    colors = channel_colors(values, shared=False)
    strong, weak = (np.asarray(draw_tile(one, colors, 32)).astype(int) for one in values)
    assert np.ptp(strong, (0, 1)).max() > 100
    assert np.ptp(weak, (0, 1)).max() < 5


def test_one_scale_shows_the_values_of_all_tiles(tiny: VisionModel) -> None:
    summary, _ = run(tiny, layer="relu3", scale="shared")
    expected = hooked(tiny, "relu3")
    assert summary.color_range == pytest.approx([0, float(expected.max())])
    signed, _ = run(tiny, layer="conv3", scale="shared")
    limit = float(hooked(tiny, "conv3").abs().max())
    assert signed.signed and signed.color_range == pytest.approx([-limit, limit])


def test_the_place_of_the_largest_value_is_found_in_the_photograph(tiny: VisionModel) -> None:
    image = photo(90, 60, seed=3)
    summary, context = run(tiny, image, layer="conv1")
    assert summary.map_box == summary.input_box
    left, top, right, _ = summary.map_box
    for entry in index_of(context):
        y, x = entry["position"]
        side = (right - left) / 16
        assert entry["cell"] == pytest.approx(
            [left + x * side, top + y * side, left + (x + 1) * side, top + (y + 1) * side],
            abs=0.02,
        )
        # A 3 x 3 kernel of stride 2 sees one pixel of the input more on either side.
        pixel = (right - left) / 32
        assert entry["box"] == pytest.approx(
            [
                max(left + (2 * x - 1) * pixel, left),
                max(top + (2 * y - 1) * pixel, top),
                left + (2 * x + 2) * pixel,
                top + (2 * y + 2) * pixel,
            ],
            abs=0.02,
        )


def test_jobs_of_one_layer_run_as_one_batch(tiny: VisionModel) -> None:
    images = [photo(61, 43, seed=i) for i in range(3)]

    def ask(image: Image.Image) -> NDArray[np.float64]:
        return maps_of(run(tiny, image, layer="conv3", order="index", values="float32")[1])

    found, batcher = together([lambda image=image: ask(image) for image in images])
    assert batcher.batches == [3]
    for one, image in zip(found, images, strict=True):
        np.testing.assert_allclose(one, ask(image), atol=1e-6)


def test_what_is_not_finite_is_refused() -> None:
    model = tiny_model()
    model.network.module.conv3.bias.data[2] = float("nan")
    with pytest.raises(NotFinite, match="'conv3'"):
        run(model, layer="conv3")


def test_a_sheet_and_an_array_have_a_largest_size() -> None:
    with pytest.raises(TooExpensive, match="Lower top to 244"):
        ActivationsParams(top=1000, tile=256).validate_for(None, ())  # type: ignore[arg-type]
    with pytest.raises(TooExpensive, match=r"Use maps=top, or choose a deeper layer"):
        ActivationsParams(maps="all").check_values([512, 224, 224])
    with pytest.raises(TooExpensive, match="Lower top"):
        ActivationsParams(top=900).check_values([1024, 224, 224])
    ActivationsParams(top=64).check_values([512, 224, 224])


def test_the_size_of_the_array_is_known_from_the_description(tiny: VisionModel) -> None:
    layer = Layer(path="early", type="Conv2d", shape=[512, 224, 224], channels=512)
    description = ModelDescription(model="m", parameters=1, rectifiers=1, layers=[layer])
    model, sizes = entry_of(tiny), {"image": (300, 200)}
    with pytest.raises(TooExpensive) as refused:
        ActivationsParams(layer="early", maps="all").validate_images(model, sizes, description)
    assert refused.value.errors[0].pointer == "/maps"
    ActivationsParams(layer="early").validate_images(model, sizes, description)


def test_the_worker_refuses_what_the_api_could_not_know(
    tiny: VisionModel, monkeypatch: Any
) -> None:
    monkeypatch.setattr("catalog.techniques.activations.MAX_VALUES", 100)
    with pytest.raises(TooExpensive, match="8 channels of 8 × 8 places"):
        run(tiny, layer="conv3", maps="all")


def test_by_default_it_is_the_layer_of_grad_cam(default_model: VisionModel) -> None:
    summary, context = run(default_model, photo(300, 200), top=4)
    assert summary.layer == default_model.recommended["grad_cam"]
    assert len(index_of(context)) == 4
