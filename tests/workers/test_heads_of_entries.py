"""A model is loaded with the head, the output and the channels of its entry, or refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from catalog.custom_models import read_models
from tests import odd
from workers.models.describe import describe, describe_architecture
from workers.models.errors import WrongOutput
from workers.models.load import load_model
from workers.toolkit.network.head import Head
from workers.toolkit.network.vision_model import VisionModel

CPU = torch.device("cpu")


def load(
    folder: Path, kind: str, entry: str = "", classes: int = 4, mean: str = "0.5"
) -> VisionModel:
    channels = 5 if "channels = 5" in entry else 3
    save_file(odd.build(kind, classes, channels).state_dict(), folder / "odd.safetensors")
    (folder / "odd_net.py").write_text(Path(odd.__file__).read_text())
    (folder / "models.toml").write_text(f"""
[models.mine]
builder = "odd_net:build"
arguments = {{ kind = "{kind}", classes = {classes}, channels = {channels} }}
weights = "odd.safetensors"
input_size = {odd.SIDE}
mean = {mean}
std = 0.25
classes = {classes}
{entry}
""")
    return load_model(read_models(folder / "models.toml")["mine"], CPU)


@pytest.mark.parametrize(
    ("kind", "entry", "classes", "head"),
    [
        ("plain", "", 4, Head("softmax")),
        ("plain", "", 1, Head("sigmoid")),
        ("plain", 'head = "sigmoid"', 4, Head("sigmoid")),
        ("plain", 'head = "raw"', 1, Head("raw")),
        ("softmax", 'head = "none"', 4, Head("none")),
        ("sigmoid", 'head = "none"', 4, Head("none")),
        ("dense", "dense = true", 4, Head("softmax", dense=True)),
        ("dict", 'output = "out"', 4, Head("softmax")),
        ("tuple", "output = 0", 4, Head("softmax")),
        ("nested", 'output = ["heads", 1, 1]', 4, Head("softmax")),
        ("plain", "channels = 5\nshown_channels = [3, 2, 1]", 4, Head("softmax")),
    ],
)
def test_a_model_that_is_what_its_entry_says_is_loaded(
    tmp_path: Path, kind: str, entry: str, classes: int, head: Head
) -> None:
    model = load(tmp_path, kind, entry, classes)
    assert model.head == head
    described = describe(model.name, model.network, model.weights)
    assert [layer.path for layer in described.layers][:2] == ["first", "second"]
    assert described.output == ([4, odd.SIDE, odd.SIDE] if head.dense else [classes])
    unloaded = describe_architecture(read_models(tmp_path / "models.toml")["mine"])
    assert unloaded.layers == described.layers


@pytest.mark.parametrize(
    ("kind", "entry", "classes", "sentence"),
    [
        ("softmax", "", 4, 'already: they lie in 0 to 1 and add up to 1. Write head = "none"'),
        ("softmax", 'head = "softmax"', 4, "probabilities already"),
        ("sigmoid", "", 4, 'head = "none" if they are, or head = "softmax" if they are logits'),
        ("sigmoid", "", 1, 'head = "none" if they are, or head = "sigmoid" if they are logits'),
        ("plain", 'head = "none"', 4, 'are no probabilities: they go from'),
        ("dense", "", 4, "a tensor of shape 2 × 4 × 24 × 24, but .* write dense = true"),
        ("plain", "dense = true", 4, "Remove dense = true"),
        ("dict", "", 4, 'Choose one of them in the entry, such as output = "out"'),
        ("nested", "", 4, r'such as output = \["heads", 1, 1\]'),
        ("dict", 'output = "logits"', 4, "no 'logits'. The model returns a dict of 'out'"),
        ("tuple", "output = 1", 4, r"a tensor of shape 2 × 8 × 24 × 24, but it must"),
    ],
)  # fmt: skip
def test_a_model_that_is_something_else_is_refused_with_what_to_write(
    tmp_path: Path, kind: str, entry: str, classes: int, sentence: str
) -> None:
    with pytest.raises(WrongOutput, match=sentence) as refused:
        load(tmp_path, kind, entry, classes)
    assert str(refused.value).startswith("'mine'")


def test_logits_that_lie_in_0_to_1_by_chance_are_accepted_once_the_entry_says_so(
    tmp_path: Path,
) -> None:
    assert load(tmp_path, "sigmoid", 'head = "sigmoid"', 1).head == Head("sigmoid")
