"""Top channels: the ranking, and that each channel comes with what top_patches would give."""

import pytest
import torch
from PIL import Image

from catalog.errors import InvalidParameters
from catalog.techniques.top_channels import TopChannelsParams, TopChannelsSummary
from catalog.techniques.top_patches import TopPatchesParams
from tests.techniques.running import Recording
from tests.tiny import photo, tiny_model
from workers.execute import execute
from workers.toolkit.errors import EmptyImageSet
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.vision_model import VisionModel

IMAGES = LocalImageSet({f"photo {i}": photo(61, 43, seed=i) for i in range(9)})
IMAGE = photo(72, 72, seed=50)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return tiny_model()


def asked(
    model: VisionModel, images: LocalImageSet = IMAGES, **fields: object
) -> TopChannelsSummary:
    params = TopChannelsParams.model_validate({"image_set": "local", "seed": 0, **fields})
    summary = execute("top_channels", params, model, {"image": IMAGE}, Recording(image_set=images))
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


def within(others: LocalImageSet, **copies: Image.Image) -> LocalImageSet:
    """Return the set with further images in its middle."""
    (first, image), *rest = others.photographs.items()
    return LocalImageSet({first: image, **copies, **dict(rest)})


@pytest.mark.parametrize("fields", [{}, {"at": "36,36"}, {"layer": "conv1", "rank": "absolute"}])
def test_the_asked_image_is_not_compared_with_itself(
    model: VisionModel, fields: dict[str, str]
) -> None:
    plain = asked(model, channels=4, k=5, **fields)
    again = asked(model, within(IMAGES, copy=IMAGE, twin=IMAGE.copy()), channels=4, k=5, **fields)
    assert (plain.left_out, again.left_out) == ([], ["copy", "twin"])
    assert (plain.index.images, again.index.images) == (9, 11)
    assert again.channels == plain.channels


def test_an_image_that_only_resembles_the_asked_one_is_compared(model: VisionModel) -> None:
    other = IMAGE.copy()
    red, green, blue = other.getpixel((3, 3))  # type: ignore[misc]
    other.putpixel((3, 3), (red ^ 1, green, blue))
    summary = asked(model, within(IMAGES, other=other), rank="absolute", channels=8, k=1)
    assert summary.left_out == []
    assert any(channel.patches[0].image == "other" for channel in summary.channels)


def test_the_asked_image_is_found_among_more_than_the_index_keeps(model: VisionModel) -> None:
    many = LocalImageSet({f"photo {i}": photo(61, 43, seed=i) for i in range(90)})
    plain, again = asked(model, many, k=5), asked(model, within(many, copy=IMAGE), k=5)
    assert again.channels == plain.channels


def test_a_set_of_the_asked_image_alone_is_refused(model: VisionModel) -> None:
    with pytest.raises(EmptyImageSet, match="no other image"):
        asked(model, LocalImageSet({"copy": IMAGE}))


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


@pytest.mark.parametrize("at", ["36", "a,b", "1,2,3", "-1,4", "1e3,2", "٣,٣"])
def test_a_place_that_cannot_be_read_is_refused(at: str) -> None:
    with pytest.raises(InvalidParameters, match="x,y in pixels"):
        TopChannelsParams.model_validate({"image_set": "any", "at": at}).place()
