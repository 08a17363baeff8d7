"""The default model recognizes real photographs, and the maps mark the object."""

import io

import numpy as np
import pytest
from PIL import Image

from catalog.registry import find_technique
from tests.techniques.running import Recording, explain, values
from workers.toolkit.network.vision_model import VisionModel

ESPRESSO = 967
CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat
CUP = (173, 17, 407, 284)  # left, top, right, bottom of the cup on the photograph, by preprocessing

FACE = (
    130,
    20,
    270,
    270,
)  # of the cat, forehead to chin between the eyes: half of what the network sees, by preprocessing


@pytest.fixture(scope="module")
def cup(coffee: bytes) -> Image.Image:
    return Image.open(io.BytesIO(coffee)).convert("RGB")


def test_coffee_is_espresso(default_model: VisionModel, cup: Image.Image) -> None:
    first = explain("predict", default_model, cup, top_k=1)[0].predictions[0]
    assert (first.index, first.label) == (ESPRESSO, "espresso")
    assert first.probability > 0.9


def test_chelsea_is_three_kinds_of_cat(default_model: VisionModel, chelsea: bytes) -> None:
    cat = Image.open(io.BytesIO(chelsea)).convert("RGB")
    assert {p.index for p in explain("predict", default_model, cat, top_k=3)[0].predictions} == CATS


def test_hiding_the_cup_costs_far_more_than_hiding_the_table(
    default_model: VisionModel, cup: Image.Image
) -> None:
    summary, context = explain(
        "occlusion", default_model, cup, **find_technique("occlusion").example
    )
    inside, outside = on_and_off_the_cup(context, summary.input_box)
    assert summary.target.index == ESPRESSO
    assert inside > 0.01
    assert inside > 3 * abs(outside)


def test_what_rise_marks_highest_lies_on_the_cup(
    default_model: VisionModel, cup: Image.Image
) -> None:
    summary, context = explain("rise", default_model, cup, masks=400)
    inside, outside = on_and_off_the_cup(context, summary.input_box)
    # The map contains the mean score of all masks, so only the distribution of its range counts.
    assert inside - outside > 0.2 * (summary.maximum - summary.minimum)
    assert CUP[0] < summary.peak[0] < CUP[2]
    assert CUP[1] < summary.peak[1] < CUP[3]


def test_what_rise_marks_highest_lies_on_the_cats_face(
    default_model: VisionModel, chelsea: bytes
) -> None:
    cat = Image.open(io.BytesIO(chelsea)).convert("RGB")
    summary, _ = explain("rise", default_model, cat, masks=400)
    assert FACE[0] < summary.peak[0] < FACE[2]
    assert FACE[1] < summary.peak[1] < FACE[3]


@pytest.mark.parametrize("technique", ["saliency", "guided_backprop"])
def test_gradients_are_stronger_on_the_cup(
    default_model: VisionModel, cup: Image.Image, technique: str
) -> None:
    summary, context = explain(technique, default_model, cup, **find_technique(technique).example)
    inside, outside = on_and_off_the_cup(context, summary.input_box)
    assert inside > 1.5 * outside


def on_and_off_the_cup(context: Recording, box: list[float]) -> tuple[float, float]:
    """Mean of the map on the cup and off it."""
    raw = values(context).numpy()
    left, top, right, bottom = box
    xs = left + (np.arange(raw.shape[1]) + 0.5) * (right - left) / raw.shape[1]
    ys = top + (np.arange(raw.shape[0]) + 0.5) * (bottom - top) / raw.shape[0]
    on = ((ys > CUP[1]) & (ys < CUP[3]))[:, None] & ((xs > CUP[0]) & (xs < CUP[2]))[None]
    return float(raw[on].mean()), float(raw[~on].mean())
