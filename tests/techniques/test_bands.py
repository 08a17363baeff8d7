"""A model of five bands gets an array: maps by every band, and refusals of what needs pictures."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from catalog.errors import UnsupportedModel, WrongChannels, WrongShape
from catalog.model_support import check_bands, check_photograph, check_support
from catalog.registry import find_technique, techniques
from tests.odd import SIDE, odd_model
from tests.techniques.running import Recording, entry_of, values
from workers.execute import execute
from workers.toolkit.attribution.smoothgrad import NoisyCopies
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.images.array import Array
from workers.toolkit.network.unit import Unit

BANDS = np.random.default_rng(2).random((5, 40, 30), dtype=np.float32)
MODEL = odd_model(channels=5)
SEEING = ("predict", "saliency", "guided_backprop", "grad_cam", "integrated_gradients", "occlusion",
          "rise", "embed", "activations")  # fmt: skip
MAKING = ("activation_maximization", "inversion", "deep_dream", "style_transfer", "fooling",
          "top_patches", "top_channels")  # fmt: skip


def run(technique: str, array: Array = BANDS, **params: object) -> tuple[object, Recording]:
    context = Recording()
    given = find_technique(technique).params.model_validate({"seed": 7, **params})
    made = given.resolved(entry_of(MODEL))
    return execute(technique, made, MODEL, {"image": array}, context), context


def test_the_gradient_by_every_band_is_that_of_finite_differences() -> None:
    x = MODEL.prepare(BANDS).x
    assert x.shape == (1, 5, SIDE, SIDE)
    gradient = input_gradient(MODEL.network, Unit("", 2), x)[0]
    module = MODEL.network.module.double()
    try:
        for band in range(5):
            row, column = divmod(int(gradient[band].abs().argmax()), SIDE)
            step = torch.zeros(x.shape, dtype=torch.float64)
            step[0, band, row, column] = 1e-5
            with torch.no_grad():
                ends = [module(x.double() + sign * step)[0, 2] for sign in (1, -1)]
            slope = float(ends[0] - ends[1]) / 2e-5
            assert float(gradient[band, row, column]) == pytest.approx(slope, rel=1e-4), band
    finally:
        module.float()


def test_saliency_is_the_largest_magnitude_over_all_bands() -> None:
    _, context = run("saliency", target="class:2")
    gradient = input_gradient(MODEL.network, Unit("", 2), MODEL.prepare(BANDS).x)[0]
    torch.testing.assert_close(values(context), gradient.abs().amax(0))
    overlay = Image.open(io.BytesIO(context.files["overlay.png"]))
    assert overlay.size == (30, 40)


def test_a_band_that_the_model_ignores_changes_nothing() -> None:
    with torch.no_grad():
        MODEL.network.module.first.weight[:, 3] = 0
    gradient = input_gradient(MODEL.network, Unit("", 2), MODEL.prepare(BANDS).x)[0]
    assert not bool(gradient[3].any()) and all(bool(gradient[i].any()) for i in (0, 1, 2, 4))


@pytest.mark.parametrize("technique", SEEING)
def test_what_looks_at_an_image_takes_an_array(technique: str) -> None:
    more = {"rise": {"masks": 8}, "occlusion": {"window": 8, "stride": 8}}.get(technique, {})
    if technique in ("saliency", "grad_cam", "integrated_gradients", "occlusion"):
        more = more | {"check": True, "target": "class:1"}
    _, context = run(technique, **more)
    check_support(find_technique(technique), entry_of(MODEL))
    if "values.npy" in context.files:
        assert bool(values(context).isfinite().all())


def test_noise_and_blurred_baselines_work_on_bands() -> None:
    assert NoisyCopies(2, 0.1, 0).samples == 2
    run("saliency", samples=2, noise=0.1)
    run("occlusion", window=8, stride=8, fill="blur")


@pytest.mark.parametrize("technique", MAKING)
def test_what_makes_or_collects_pictures_is_refused(technique: str) -> None:
    with pytest.raises(UnsupportedModel, match="works with photographs, and model 'odd' sees 5"):
        check_support(find_technique(technique), entry_of(MODEL))


def test_every_technique_is_one_of_these() -> None:
    assert set(techniques()) == {*SEEING, *MAKING, "filters"}
    check_support(find_technique("filters"), entry_of(MODEL))


def test_the_door_compares_shapes_with_the_entry() -> None:
    entry, colour = entry_of(MODEL), entry_of(odd_model())
    check_bands(entry, "image", [5, 40, 30])
    check_bands(colour, "image", [3, 40, 30])
    check_photograph(colour, "image")
    with pytest.raises(WrongChannels, match=r"\[5, H, W\] as a .npy file"):
        check_photograph(entry, "image")
    for shape, sentence in {
        (3, 40, 30): r"has the shape \[3, 40, 30\], but model 'odd' sees \[5, H, W\]",
        (40, 30, 5): r"array.transpose\(2, 0, 1\)",
        (1, 5, 40, 30): r"sees \[5, H, W\]",
        (5,): r"sees \[5, H, W\]",
        (5, 1, 101): "at most 100 times the shorter one",
    }.items():
        with pytest.raises(WrongShape, match=sentence):
            check_bands(entry, "image", shape)
