"""Top patches against brute force: every image through the plain module, every place looked at."""

import json

import pytest
import torch
from PIL import Image

from catalog.errors import InvalidTarget
from catalog.models import class_labels, find_model
from catalog.named_targets import read_targets
from catalog.techniques.top_patches import TopPatchesParams, TopPatchesSummary
from tests.techniques.running import Recording
from tests.tiny import TinyNetwork, photo, tiny_model
from workers.execute import execute
from workers.toolkit.errors import EmptyImageSet, NoRectifier
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.vision_model import VisionModel

PHOTOS = {f"photo {i}": photo(61 + 3 * i, 43 + 5 * i, seed=i) for i in range(14)}


def asked(
    model: VisionModel, photos: dict[str, Image.Image] = PHOTOS, **fields: object
) -> tuple[TopPatchesSummary, Recording]:
    context = Recording(image_set=LocalImageSet(photos))
    params = TopPatchesParams.model_validate(
        {"model": "tiny", "image_set": "local", "seed": 0, **fields}
    )
    summary = execute("top_patches", params, model, {}, context)
    assert isinstance(summary, TopPatchesSummary)
    return summary, context


@torch.no_grad()
def brute_force(model: VisionModel, channel: int) -> list[tuple[float, str, tuple[int, int]]]:
    """(value, image, y and x) of relu2 for every image, best first."""
    module, found = model.network.module, []
    assert isinstance(module, TinyNetwork)
    for name, image in PHOTOS.items():
        first = module.relu1(module.bn1(module.conv1(model.prepare(image).x)))
        plane = module.relu2(module.conv2(first))[0, channel]
        value, place = max((float(plane[y, x]), (-y, -x)) for y in range(16) for x in range(16))
        found.append((value, name, (-place[0], -place[1])))
    return sorted(found, key=lambda item: -item[0])


@pytest.mark.parametrize("channel", range(6))
def test_finds_what_brute_force_finds(channel: int) -> None:
    model = tiny_model()
    summary, _ = asked(model, target=f"relu2:{channel}", k=5)
    expected = [row for row in brute_force(model, channel) if row[0] > 1e-4][:5]
    assert len(expected) == 5  # with ties at zero there would be nothing to compare
    for patch, (value, name, place) in zip(summary.patches, expected, strict=True):
        assert patch.image == name
        assert patch.activation == pytest.approx(value, abs=1e-5)
        assert patch.position == list(place)
    assert len(summary.patches) == 5


def test_a_class_is_a_target_and_its_patch_is_what_the_network_sees() -> None:
    model = tiny_model()
    summary, _ = asked(model, target="class:label 3", k=1)
    logits = {
        name: float(model.network.logits(model.prepare(image).x)[0, 3])
        for name, image in PHOTOS.items()
    }
    (patch,) = summary.patches
    assert patch.image == max(logits, key=logits.__getitem__)
    assert patch.activation == pytest.approx(max(logits.values()), abs=1e-5)
    assert patch.position is None and summary.receptive_field is None
    assert patch.box == [round(side, 2) for side in model.prepare(PHOTOS[patch.image]).box]
    assert summary.target.label == "label 3"


def test_a_vector_layer_is_a_target() -> None:
    summary, _ = asked(tiny_model(), target="head:3", k=2)
    assert [patch.image for patch in summary.patches] == [
        patch.image for patch in asked(tiny_model(), target="class:3", k=2)[0].patches
    ]


def test_the_second_question_needs_no_model_call() -> None:
    model, images = tiny_model(), LocalImageSet(PHOTOS)
    uses = []
    for channel in (0, 0, 4):
        context = Recording(image_set=images)
        params = TopPatchesParams.model_validate(
            {"image_set": "local", "seed": 0, "target": f"conv3:{channel}"}
        )
        uses.append(execute("top_patches", params, model, {}, context).index)
    assert [(use.images, use.added) for use in uses] == [(14, 14), (14, 0), (14, 0)]
    assert uses[0].model_calls > 0
    assert [use.model_calls for use in uses[1:]] == [0, 0]


def test_no_more_patches_than_images() -> None:
    summary, context = asked(tiny_model(), target="conv1:0", k=64)
    assert len(summary.patches) == len(PHOTOS)
    assert json.loads(context.files["patches.json"]) == [
        patch.model_dump() for patch in summary.patches
    ]
    assert {f"patch-{i}.png" for i in range(1, 15)} <= context.files.keys()


def test_guided_pictures_stand_beside_on_request() -> None:
    plain, without = asked(tiny_model(), target="conv3:1", k=2)
    summary, context = asked(tiny_model(), target="conv3:1", k=2, guided=True)
    assert context.files.keys() - without.files.keys() == {"guided-1.png", "guided-2.png"}
    assert summary.patches == plain.patches
    with pytest.raises(NoRectifier):
        asked(tiny_model(), target="conv1:1", guided=True)


def test_the_effective_crop_lies_in_the_receptive_field() -> None:
    exact, _ = asked(tiny_model(), target="conv3:1", k=4)
    small, _ = asked(tiny_model(), target="conv3:1", k=4, crop="effective")
    for whole, part in zip(exact.patches, small.patches, strict=True):
        assert part.box[0] >= whole.box[0] and part.box[1] >= whole.box[1]
        assert part.box[2] <= whole.box[2] and part.box[3] <= whole.box[3]
        assert part.box != whole.box


@pytest.mark.parametrize("target", ["top", "conv1", "conv1:2@3,3", "conv1:2@center"])
def test_other_targets_are_refused(target: str) -> None:
    params = TopPatchesParams.model_validate({"image_set": "any", "target": target})
    entry = find_model("efficientnet_lite0")
    targets = read_targets(params, class_labels(entry))
    with pytest.raises(InvalidTarget, match="All places of a channel are searched"):
        params.validate_for(entry, targets)


def test_an_empty_set_is_an_error() -> None:
    with pytest.raises(EmptyImageSet):
        asked(tiny_model(), {}, target="conv1:0")
