"""A dense output: the score of a class is the mean over the places where it is first.

The network is set by hand: class c at a place is the network's normalized channel c there, so that
every score and gradient has a closed form.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from catalog.errors import UnknownPosition, UnsupportedModel
from catalog.model_support import check_support
from catalog.named_targets import read_targets
from catalog.registry import find_technique
from tests.odd import SIDE, odd_model
from tests.techniques.running import entry_of, explain, values
from tests.tiny import photo
from workers.toolkit.errors import UnknownPosition as UnknownPositionOfRun
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.head import Head
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit, read_each
from workers.toolkit.network.vision_model import VisionModel

HALF = SIDE // 2


class Colours(nn.Module):
    """Class c of each place is channel c; the fourth, half of red less 9, is first nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 4, 1)
        self.classify = nn.Conv2d(4, 4, 1)
        with torch.no_grad():
            self.features.weight.copy_(torch.eye(4, 3)[:, :, None, None])
            self.features.weight[3, 0] = 0.5
            self.features.bias.copy_(torch.tensor([0, 0, 0, -9.0]))
            self.classify.weight.copy_(torch.eye(4)[:, :, None, None])
            self.classify.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x))


def picture() -> Image.Image:
    """Return an image whose left half is mostly red, whose lower right is green, and else blue."""
    noise = np.random.default_rng(0).integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    noise[:, :HALF, 0] += 150
    noise[HALF + 2 :, HALF:, 1] += 150
    noise[: HALF + 2, HALF:, 2] += 150
    return Image.fromarray(noise)


@pytest.fixture(scope="module")
def colours() -> VisionModel:
    return VisionModel(
        "colours",
        Network(Colours().eval(), 3, SIDE, SIDE),
        Preprocessing(SIDE, SIDE, "bilinear", (0.5,) * 3, (0.25,) * 3),
        ("red", "green", "blue", "nothing"),
        "sha256:colours",
        head=Head("softmax", dense=True),
    )


@pytest.fixture(scope="module")
def x(colours: VisionModel) -> Tensor:
    return colours.prepare(picture()).x


COUNTS = [SIDE * HALF, (HALF - 2) * HALF, (HALF + 2) * HALF, 0]


def first_at(x: Tensor, index: int) -> Tensor:
    return x[0].argmax(0) == index


def test_predict_orders_the_classes_by_the_places_where_they_are_first(
    colours: VisionModel, x: Tensor
) -> None:
    rows = explain("predict", colours, picture())[0].predictions
    assert [row.label for row in rows] == ["red", "blue", "green", "nothing"]
    output = colours.network.module(x)[0].double()
    for row in rows:
        assert row.share == pytest.approx(COUNTS[row.index] / SIDE**2)
        places = first_at(x, row.index) if COUNTS[row.index] else torch.ones(SIDE, SIDE) > 0
        assert row.logit == pytest.approx(float(output[row.index][places].mean()), rel=1e-5)
        probability = output.softmax(0)[row.index][places].mean()
        assert row.probability == pytest.approx(float(probability), rel=1e-5)


@pytest.mark.parametrize("label", ["red", "green", "blue"])
def test_the_gradient_of_a_class_is_one_share_at_each_of_its_places(
    colours: VisionModel, x: Tensor, label: str
) -> None:
    index = colours.labels.index(label)
    summary, context = explain("saliency", colours, picture(), target=f"class:{label}")
    mask = first_at(x, index)
    torch.testing.assert_close(values(context), mask / float(mask.sum()))
    assert summary.score == "logit"
    assert summary.score_value == pytest.approx(float(x[0, index][mask].mean()), rel=1e-5)
    places = summary.target.places
    assert (places.count, places.of, places.chosen) == (COUNTS[index], SIDE**2, "first")


def test_a_class_that_is_first_nowhere_is_the_mean_over_all_places_and_says_so(
    colours: VisionModel, x: Tensor
) -> None:
    summary, context = explain("saliency", colours, picture(), target="class:nothing")
    places = summary.target.places
    assert (places.count, places.of, places.chosen) == (SIDE**2, SIDE**2, "nowhere_first")
    assert summary.score_value == pytest.approx(float(x[0, 0].mean()) / 2 - 9)
    torch.testing.assert_close(values(context), torch.full((SIDE, SIDE), 0.5 / SIDE**2))


def test_one_place_of_a_class(colours: VisionModel, x: Tensor) -> None:
    summary, context = explain("saliency", colours, picture(), target="class:green@20,3")
    expected = torch.zeros(SIDE, SIDE)
    expected[20, 3] = 1
    torch.testing.assert_close(values(context), expected)
    assert summary.score_value == pytest.approx(float(x[0, 1, 20, 3]))
    assert summary.target.position == [20, 3] and summary.target.places is None
    centre, _ = explain("saliency", colours, picture(), target="class:1@center")
    assert centre.target.position == [HALF, HALF]


def test_top_is_the_class_that_is_first_at_most_places(colours: VisionModel) -> None:
    summary, _ = explain("grad_cam", colours, picture(), layer="features")
    assert summary.target.label == "red" == summary.predicted.label


def test_occlusion_hides_only_places_of_the_class_and_these_do_not_move(
    colours: VisionModel, x: Tensor
) -> None:
    side = 4
    for engine in ("as it chooses",):
        summary, context = explain(
            "occlusion", colours, picture(), target="class:red", score="logit", fill="mean",
            window=side, stride=side, check=True,
        )  # fmt: skip
        mask = first_at(x, 0).double()
        share = x[0, 0].double() * mask / mask.sum()  # what each pixel adds to the score
        falls = share.reshape(SIDE // side, side, SIDE // side, side).sum((1, 3))
        expected = falls.repeat_interleave(side, 0).repeat_interleave(side, 1)
        np.testing.assert_allclose(values(context).numpy(), expected, atol=1e-5, err_msg=engine)
        assert summary.check.score == "probability"


def test_integrated_gradients_add_up_to_the_change_of_the_score(
    colours: VisionModel, x: Tensor
) -> None:
    summary, context = explain(
        "integrated_gradients", colours, picture(), target="class:blue", baseline="mean", steps=4
    )
    mask = first_at(x, 2)
    torch.testing.assert_close(values(context), x[0, 2] * mask / mask.sum(), rtol=1e-4, atol=1e-6)
    assert abs(summary.convergence_delta) < 1e-5


def test_grad_cam_of_the_layer_before_the_classes(colours: VisionModel, x: Tensor) -> None:
    _, context = explain(
        "grad_cam", colours, picture(), target="class:green", layer="features", relu=False
    )
    # The mean gradient of channel 1 is 1 / (H · W), and 0 of all others.
    torch.testing.assert_close(values(context), x[0, 1] / SIDE**2, rtol=1e-4, atol=1e-7)


def test_rise_and_guided_backpropagation_follow_the_same_score() -> None:
    model = odd_model("dense", Head("softmax", dense=True))
    image = photo(SIDE, SIDE, seed=3)
    rise, _ = explain("rise", model, image, masks=16)
    guided, _ = explain("guided_backprop", model, image)
    assert rise.target.places == guided.target.places
    assert rise.score_value == pytest.approx(rise.probability)


def test_pictures_are_made_for_a_class_at_all_places_or_one() -> None:
    model = odd_model("dense", Head("softmax", dense=True))
    for target in ("class:1", "class:1@3,4"):
        made, _ = explain(
            "activation_maximization", model, target=target, recipe="lucid", steps=8, size=SIDE
        )
        assert made.score_after[0] > made.score_before[0]
    with pytest.raises(UnknownPositionOfRun, match="the output has positions 0,0 to 15,15"):
        explain("activation_maximization", model, target="class:1@20,4", steps=1, size=16)


def test_a_map_is_explained_in_a_batch_by_its_own_places(colours: VisionModel, x: Tensor) -> None:
    head, other = colours.head, x.flip(3)
    both = colours.network.logits(torch.cat([x, other]))
    units = [Unit("", 0, places=head.places(one[None], 0)) for one in both]
    found = read_each(units, both)
    assert float(found[0]) == pytest.approx(float(found[1]), rel=1e-6)
    assert float(units[0].read(both)[1]) != pytest.approx(float(found[1]), rel=0.1)


def test_what_a_dense_model_cannot_do_is_refused(colours: VisionModel) -> None:
    entry = entry_of(colours)
    with pytest.raises(UnsupportedModel, match="scores at each place"):
        check_support(find_technique("fooling"), entry)
    with pytest.raises(UnknownPosition, match="no positions: it classifies whole images"):
        read_targets(find_technique("saliency").params(target="class:red@1,1"), colours.labels)
    with pytest.raises(UnknownPosition, match="positions 0,0 to 23,23"):
        explain("saliency", colours, picture(), target="class:red@24,0")


@pytest.mark.parametrize(("name", "labels"), [("sigmoid", 3), ("none", 1), ("raw", 3)])
def test_the_other_heads_of_a_dense_output(name: str, labels: int) -> None:
    class Inside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classify = nn.Conv2d(3, labels, 1)

        def forward(self, x: Tensor) -> Tensor:
            made = self.classify(x)
            return made.sigmoid() if name == "none" else made

    torch.manual_seed(0)
    module = Inside().eval()
    model = replace(
        odd_model(), network=Network(module, 3, SIDE, SIDE), head=Head(name, dense=True)
    )
    summary, _ = explain("saliency", model, picture(), target="class:0")
    output = module(model.prepare(picture()).x)[0, 0]
    mask = {"sigmoid": output > 0, "none": output > 0.5}.get(name)
    if mask is None:
        mask = module(model.prepare(picture()).x)[0].argmax(0) == 0
    if not bool(mask.any()):
        mask = torch.ones_like(mask)
    assert summary.target.places.count == int(mask.sum())
    assert summary.score_value == pytest.approx(float(output[mask].mean()), rel=1e-4)
    assert (summary.probability is None) == (name == "raw")
