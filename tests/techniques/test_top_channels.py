"""Top channels: the ranking, and that each channel comes with what top_patches would give."""

import pytest
import torch

from catalog.errors import InvalidParameters
from catalog.techniques.top_channels import TopChannelsParams, TopChannelsSummary
from catalog.techniques.top_patches import TopPatchesParams
from tests.techniques.running import Recording
from tests.tiny import photo, tiny_model
from workers.execute import execute
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.vision_model import VisionModel

IMAGES = LocalImageSet({f"photo {i}": photo(61, 43, seed=i) for i in range(9)})
IMAGE = photo(72, 72, seed=50)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return tiny_model()


def asked(model: VisionModel, **fields: object) -> TopChannelsSummary:
    params = TopChannelsParams.model_validate({"image_set": "local", "seed": 0, **fields})
    summary = execute("top_channels", params, model, {"image": IMAGE}, Recording(image_set=IMAGES))
    assert isinstance(summary, TopChannelsSummary)
    return summary


def test_by_value_the_channels_come_in_the_order_of_their_maxima(model: VisionModel) -> None:
    summary = asked(model, layer="conv3", rank="absolute", channels=8)
    largest = model.network.run(model.prepare(IMAGE).x, "conv3")[0].detach().amax((1, 2))
    assert [channel.channel for channel in summary.channels] == largest.argsort(
        descending=True
    ).tolist()
    assert [channel.activation for channel in summary.channels] == pytest.approx(
        largest.sort(descending=True)[0].tolist()
    )


def test_each_channel_has_the_patches_that_top_patches_gives(model: VisionModel) -> None:
    summary = asked(model, layer="conv3", channels=3, k=4)
    for channel in summary.channels:
        params = TopPatchesParams.model_validate(
            {"image_set": "local", "seed": 0, "target": f"conv3:{channel.channel}", "k": 4}
        )
        patches = execute("top_patches", params, model, {}, Recording(image_set=IMAGES)).patches
        assert [patch.model_dump(exclude={"file"}) for patch in channel.patches] == [
            patch.model_dump(exclude={"file"}) for patch in patches
        ]
        usual = sum(patch.activation for patch in patches) / 4
        assert channel.relative == (
            pytest.approx(channel.activation / usual) if usual > 0 else None
        )


def test_at_a_place_the_unit_above_it_is_read(model: VisionModel) -> None:
    summary = asked(model, layer="conv1", rank="absolute", channels=1, at="36,36")
    (channel,) = summary.channels
    assert channel.position is not None
    left, top, right, bottom = channel.box
    assert left <= 36 <= right and top <= 36 <= bottom
    output = model.network.run(model.prepare(IMAGE).x, "conv1")[0]
    y, x = channel.position
    assert channel.activation == pytest.approx(float(output[:, y, x].max()))
    assert channel.channel == int(torch.argmax(output[:, y, x]))


def test_the_last_map_is_the_default(model: VisionModel) -> None:
    assert asked(model).layer == "relu3"


@pytest.mark.parametrize("at", ["36", "a,b", "1,2,3", "-1,4", "1e3,2"])
def test_a_place_that_cannot_be_read_is_refused(at: str) -> None:
    with pytest.raises(InvalidParameters, match="x,y in pixels"):
        TopChannelsParams.model_validate({"image_set": "any", "at": at}).place()
