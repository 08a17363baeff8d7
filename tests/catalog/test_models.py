"""The model table against torchvision itself."""

import json
from importlib.resources import files

import pytest
import torchvision

from catalog.errors import UnknownModel
from catalog.models import DEFAULT_MODEL, find_model, labels, models
from workers.models.torchvision_table import table


def test_the_table_is_what_torchvision_says_today() -> None:
    stored = json.loads(
        (files("catalog") / "data" / "torchvision.json").read_text(encoding="utf-8")
    )
    assert stored == json.loads(json.dumps(table()))


def test_the_labels_are_torchvisions_categories() -> None:
    for weights in (
        torchvision.models.ResNet50_Weights.DEFAULT,
        torchvision.models.AlexNet_Weights.DEFAULT,
    ):
        assert list(labels("imagenet")) == weights.meta["categories"]


def test_every_model_has_a_label_for_each_class_and_a_crop_inside_what_was_resized() -> None:
    for name, entry in models().items():
        assert entry.name == name
        assert len(labels(entry.labels)) == entry.classes
        assert entry.input_size == entry.preprocessing.crop <= entry.preprocessing.resize


def test_the_default_comes_first_and_needs_no_download() -> None:
    assert next(iter(models())) == DEFAULT_MODEL
    assert find_model(DEFAULT_MODEL).builder == "package"


@pytest.mark.parametrize(
    ("name", "meant"), [("resnet5O", "resnet50"), ("eficientnet_lite0", DEFAULT_MODEL)]
)
def test_an_unknown_model_is_refused_with_near_matches(name: str, meant: str) -> None:
    with pytest.raises(UnknownModel, match=f"There is no model '{name}'. Did you mean .*'{meant}'"):
        find_model(name)


def test_a_long_wrong_name_is_not_repeated_in_full() -> None:
    with pytest.raises(UnknownModel) as refused:
        find_model("x" * 10_000)
    assert len(refused.value.detail) < 300
