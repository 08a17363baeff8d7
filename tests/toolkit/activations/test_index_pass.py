"""One pass fills the index; what was done is never done again."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.tiny import photo, tiny_model
from workers.toolkit.activations import index_pass
from workers.toolkit.activations.activation_index import ActivationIndex
from workers.toolkit.activations.index_pass import activation_index
from workers.toolkit.errors import NotFinite
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.vision_model import VisionModel


class Stop(Exception):
    pass


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pass, "batch_size", lambda network, path: 4)


def photos(count: int) -> LocalImageSet:
    return LocalImageSet({f"photo {i}": photo(50, 40, seed=i) for i in range(count)})


def silent(done: int, total: int, message: str) -> None:
    pass


def built(model: VisionModel, images: LocalImageSet) -> ActivationIndex:
    return activation_index(model, "conv2", images, "the index", silent)


def same(one: ActivationIndex, other: ActivationIndex) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("values", "images", "places")
    )


def test_the_second_question_calls_no_model() -> None:
    model, images = tiny_model(), photos(10)
    first = built(model, images)
    calls = model.network.passes
    assert calls == 3
    assert same(built(model, images), first)
    assert model.network.passes == calls


def test_images_that_were_added_are_all_that_is_run() -> None:
    model, images = tiny_model(), photos(8)
    built(model, images)
    images.photographs |= {f"later {i}": photo(50, 40, seed=100 + i) for i in range(3)}
    calls = model.network.passes
    extended = built(model, images)
    assert model.network.passes == calls + 1
    fresh = built(tiny_model(), LocalImageSet(images.photographs))
    assert extended.covered == 11
    assert np.array_equal(extended.images, fresh.images)
    assert np.allclose(extended.values, fresh.values, atol=1e-5)


def test_goes_on_where_it_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pass, "_KEEP_EVERY_S", 0.0)
    model, images = tiny_model(), photos(16)

    def stop(done: int, total: int, message: str) -> None:
        if done >= 8:
            raise Stop

    with pytest.raises(Stop):
        activation_index(model, "conv2", images, "the index", stop)
    calls = model.network.passes
    resumed = built(model, images)
    assert model.network.passes == calls + 2
    assert same(resumed, built(tiny_model(), photos(16)))


def test_progress_counts_images() -> None:
    steps: list[tuple[int, int]] = []
    activation_index(
        tiny_model(),
        "conv2",
        photos(10),
        "the index",
        lambda done, total, _: steps.append((done, total)),
    )
    assert steps == [(0, 10), (4, 10), (8, 10)]


@pytest.mark.parametrize(
    "kept",
    [b"damaged", ActivationIndex.empty(99, "x").write(), ActivationIndex.empty(6, "x").write()],
)
def test_an_index_that_does_not_fit_is_made_again(kept: bytes) -> None:
    model, images = tiny_model(), photos(5)
    images.keep("the index", kept)
    assert built(model, images).covered == 5


def test_layers_and_the_output_have_an_index() -> None:
    model, images = tiny_model(), photos(5)
    output = activation_index(model, "", images, "output", silent)
    best = int(output.images[3, 0])
    logits = [
        float(model.network.logits(model.prepare(images.open(image)).x)[0, 3])
        for image in images.images
    ]
    assert best == int(np.argmax(logits))


def test_nan_is_an_error_that_says_so() -> None:
    model = tiny_model()
    with torch.no_grad():
        convolution = model.network.module.conv1
        assert isinstance(convolution, nn.Conv2d)
        convolution.weight.fill_(float("nan"))
    with pytest.raises(NotFinite):
        built(model, photos(2))
