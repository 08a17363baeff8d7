"""The channels that respond and where, against the plain output of the layer."""

import numpy as np
import pytest
import torch

from tests.tiny import photo, tiny_model
from workers.toolkit.activations.response import (
    channel_responses,
    relative_responses,
    strongest_channels,
    unit_at,
)
from workers.toolkit.activations.top_activations import IndexEntry, LayerReader, read_layer
from workers.toolkit.errors import PlaceOutside
from workers.toolkit.images.image_set import LocalImageSet


@pytest.fixture(scope="module")
def reader() -> LayerReader:
    images = LocalImageSet({f"photo {i}": photo(50, 40, seed=i) for i in range(6)})
    return read_layer(tiny_model(), "conv2", images, "index", lambda *_: None)


@pytest.mark.parametrize(("y", "x"), [(1, 1), (7, 9), (14, 13)])
def test_the_middle_of_a_box_leads_back_to_its_unit(reader: LayerReader, y: int, x: int) -> None:
    model_input = reader.model.prepare(photo(50, 40))
    left, top, right, bottom = reader.patch(IndexEntry("", 0.0, (y, x)), model_input).box
    assert unit_at(
        model_input, reader.field, (16, 16), ((left + right) / 2, (top + bottom) / 2)
    ) == (y, x)


def test_a_place_that_the_network_does_not_see_is_refused(reader: LayerReader) -> None:
    model_input = reader.model.prepare(photo(50, 40))
    left, top, right, bottom = model_input.box
    assert unit_at(model_input, reader.field, (16, 16), (left, top)) == (0, 0)
    assert unit_at(model_input, None, (16, 16), (right, bottom)) == (15, 15)
    for at in ((left - 1, 20), (25, bottom + 1), (49.9, 20)):
        with pytest.raises(PlaceOutside, match="of this image of 50 × 40"):
            unit_at(model_input, reader.field, (16, 16), at)


def test_at_a_place_the_values_are_those_of_the_unit_there(reader: LayerReader) -> None:
    image = photo(50, 40, seed=9)
    found = channel_responses(reader, image, (25, 20))
    output = reader.model.network.run(found.model_input.x, "conv2")[0]
    y, x = found.places[0]
    assert np.array_equal(found.values, output[:, y, x].detach().numpy())
    assert (found.places == found.places[0]).all()


def test_anywhere_the_values_are_the_maxima(reader: LayerReader) -> None:
    image = photo(50, 40, seed=9)
    found = channel_responses(reader, image, None)
    output = reader.model.network.run(found.model_input.x, "conv2")[0].detach()
    assert torch.equal(torch.from_numpy(found.values), output.amax((1, 2)))


def test_an_image_of_the_set_responds_as_the_index_says(reader: LayerReader) -> None:
    found = channel_responses(reader, photo(50, 40, seed=3), None)
    for channel in range(6):
        row = reader.index.images[channel].tolist().index(3)
        assert reader.index.values[channel, row] == pytest.approx(found.values[channel], abs=1e-5)
        assert reader.index.places[channel, row].tolist() == found.places[channel].tolist()


def test_ranks_by_value_or_by_the_part_of_the_usual_best(reader: LayerReader) -> None:
    values = np.array([1, 2, 3, -1, 0.5, 2.5], np.float32)
    assert strongest_channels(reader, values, 3, 2, relative=False) == [2, 5, 1]
    usual = reader.index.values[:, :2].mean(1)
    expected = np.where(usual > 0, values / usual, -np.inf)
    assert (
        strongest_channels(reader, values, 3, 2, relative=True)
        == np.argsort(-expected, kind="stable")[:3].tolist()
    )
    assert np.isnan(relative_responses(reader, values, 2)[usual <= 0]).all()
